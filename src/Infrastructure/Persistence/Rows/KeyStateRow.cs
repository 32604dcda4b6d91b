
namespace Secrets.Infrastructure.Persistence.Rows;

/// <summary>Authenticates the current rows of the key ring, of <c>key_rotations</c> and of <c>integrity_keys</c>, and the issuer of user names.</summary>
internal sealed class KeyStateRow
{
    /// <summary>The only id.</summary>
    public const int OnlyId = 1;

    public required int Id { get; init; }

    /// <summary>The number of changes of the rows. Never decreases.</summary>
    public required long Revision { get; set; }

    /// <summary>The issuer that turns user names into ids; null before the first name.</summary>
    public string? UserIssuer { get; set; }

    /// <summary>The tag over revision, issuer and all rows (<c>KeyRecords</c>).</summary>
    public required byte[] Tag { get; set; }
}
