using Secrets.Application.Encryption;
using Secrets.Domain.Secrets;

namespace Secrets.Infrastructure.Encryption;

/// <summary>A data key of an owner, wrapped by the key ring. New values are sealed with the one that the owner's account names, the only one that is not retired.</summary>
internal sealed class DataKeyRow
{
    public required Guid Id { get; init; }

    public required OwnerKind OwnerKind { get; init; }

    public required string OwnerId { get; init; }

    public required byte[] Wrapped { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was replaced by another; null: it is the current one.</summary>
    public DateTimeOffset? RetiredAt { get; set; }
}

/// <summary>That the keys of a layer are to be replaced, and whether they are.</summary>
internal sealed class KeyRotationRow
{
    public required KeyLayer Layer { get; init; }

    /// <summary>Keys that were made before are to be replaced.</summary>
    public required DateTimeOffset RequestedAt { get; set; }

    /// <summary>When none of those was left; null: not yet.</summary>
    public DateTimeOffset? FinishedAt { get; set; }
}

/// <summary>A key of the key ring, encrypted under the root key.</summary>
internal sealed class KeyRingRow
{
    public const int MaxNameLength = 255;

    public required string Name { get; init; }

    public required string Xml { get; set; }

    /// <summary>See <see cref="KeyRecords"/>.</summary>
    public required byte[] Tag { get; set; }
}

/// <summary>The root key that this database is sealed under: its fingerprint, and a canary that only it opens.</summary>
internal sealed class RootKeyRow
{
    /// <summary>There is one root key at a time: with a fixed id, of two replicas with different keys the second cannot come in.</summary>
    public const int OnlyId = 1;

    public required int Id { get; init; }

    public required string Fingerprint { get; set; }

    public required byte[] Canary { get; set; }

    /// <summary>Written by the readiness check, to see that the database takes writes, and at the start, to lock the row.</summary>
    public DateTimeOffset ProbedAt { get; set; }
}

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

    /// <summary>The tag of the revision, of the issuer and of all rows (<see cref="KeyRecords"/>).</summary>
    public required byte[] Tag { get; set; }
}
