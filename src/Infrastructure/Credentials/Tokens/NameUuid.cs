using System.Security.Cryptography;
using System.Text;

namespace Secrets.Infrastructure.Credentials.Tokens;

/// <summary>Derives uuids from names (RFC 9562, version 5): a name has the same uuid on every replica and at any time.</summary>
internal static class NameUuid
{
    /// <summary>The RFC's namespace for URLs.</summary>
    private static readonly Guid Urls = new("6ba7b811-9dad-11d1-80b4-00c04fd430c8");

    /// <summary>
    /// The user id of an issuer's subject. A subject that is a uuid is the id itself; any other is hashed in a namespace of the issuer, so that
    /// no two pairs of issuer and subject share an id.
    /// </summary>
    public static Guid ForSubject(string issuer, string subject) => Parse(subject) ?? FromName(FromName(Urls, issuer), subject);

    /// <summary>Parses a subject that is a uuid in any case; null if it is a name.</summary>
    public static Guid? Parse(string subject) =>
        Guid.TryParseExact(subject, "D", out var uuid) && string.Equals(uuid.ToString("D"), subject, StringComparison.OrdinalIgnoreCase) ? uuid : null;

    /// <summary>Derives the uuid of a name in a namespace.</summary>
    public static Guid FromName(Guid space, string name)
    {
        var bytes = new byte[16 + Encoding.UTF8.GetByteCount(name)];
        space.TryWriteBytes(bytes, bigEndian: true, out _);
        Encoding.UTF8.GetBytes(name, bytes.AsSpan(16));
#pragma warning disable CA5350 // Version 5 requires SHA-1. A collision attack needs an issuer that chooses subjects for it.
        var hash = SHA1.HashData(bytes);
#pragma warning restore CA5350
        hash[6] = (byte)((hash[6] & 0x0F) | 0x50);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return new Guid(hash.AsSpan(0, 16), bigEndian: true);
    }
}
