using System.Security.Cryptography;
using System.Text;

namespace Secrets.Infrastructure.Credentials.Tokens;

/// <summary>Uuids that follow from a name (RFC 9562, version 5): the same name is the same uuid, on every replica and for ever.</summary>
internal static class NameUuid
{
    /// <summary>The RFC's namespace for names that are URLs.</summary>
    private static readonly Guid Urls = new("6ba7b811-9dad-11d1-80b4-00c04fd430c8");

    /// <summary>
    /// The user that an issuer calls by that name: a uuid as it is, whatever its case; anything else within a namespace of the issuer's, so that
    /// no two pairs of issuer and subject are spelt alike.
    /// </summary>
    public static Guid ForSubject(string issuer, string subject) => Parse(subject) ?? FromName(FromName(Urls, issuer), subject);

    /// <summary>The uuid that a subject is, whatever its case; null: it is a name.</summary>
    public static Guid? Parse(string subject) =>
        Guid.TryParseExact(subject, "D", out var uuid) && string.Equals(uuid.ToString("D"), subject, StringComparison.OrdinalIgnoreCase) ? uuid : null;

    /// <summary>The uuid of a name in a namespace.</summary>
    public static Guid FromName(Guid space, string name)
    {
        var bytes = new byte[16 + Encoding.UTF8.GetByteCount(name)];
        space.TryWriteBytes(bytes, bigEndian: true, out _);
        Encoding.UTF8.GetBytes(name, bytes.AsSpan(16));
#pragma warning disable CA5350 // Version 5 is SHA-1. It names, it does not protect: who chooses a subject is the issuer.
        var hash = SHA1.HashData(bytes);
#pragma warning restore CA5350
        hash[6] = (byte)((hash[6] & 0x0F) | 0x50);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return new Guid(hash.AsSpan(0, 16), bigEndian: true);
    }
}
