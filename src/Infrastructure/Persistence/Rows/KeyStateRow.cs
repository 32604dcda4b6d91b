
namespace Secrets.Infrastructure.Persistence.Rows;

/// <summary>Which rows of the key ring, of <c>key_rotations</c> and of <c>integrity_keys</c> are the current ones, and what else must stay as it is.</summary>
internal sealed class KeyStateRow
{
    /// <summary>There is one.</summary>
    public const int OnlyId = 1;

    public required int Id { get; init; }

    /// <summary>How often the rows were changed. It never goes back.</summary>
    public required long Revision { get; set; }

    /// <summary>The issuer with which names of users are turned into ids; null: no name was yet.</summary>
    public string? UserIssuer { get; set; }

    /// <summary>The tag of the revision, of the issuer and of all rows (<c>KeyRecords</c>).</summary>
    public required byte[] Tag { get; set; }
}
