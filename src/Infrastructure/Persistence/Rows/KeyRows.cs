using Secrets.Application.Encryption;

namespace Secrets.Infrastructure.Persistence.Rows;

/// <summary>Authenticates the current rows of the key ring, of <c>key_rotations</c> and of <c>integrity_keys</c>, and the issuer of user names.</summary>
internal sealed class KeyStateRow
{
    /// <summary>The only id.</summary>
    public const int OnlyId = 1;

    public required int Id { get; init; }

    /// <summary>Grows with each change of the rows; 1 at first. See <see cref="Versions.After"/>.</summary>
    public required long Revision { get; set; }

    /// <summary>The issuer that turns user names into ids; null before the first name.</summary>
    public string? UserIssuer { get; set; }

    /// <summary>The tag over revision, issuer and all rows (<c>KeyRecords</c>).</summary>
    public required byte[] Tag { get; set; }
}

/// <summary>A key of the key ring, encrypted under the root key.</summary>
internal sealed class KeyRingRow
{
    public const int MaxNameLength = 200;

    public required string Name { get; init; }

    public required string Xml { get; set; }

    /// <summary>See <c>KeyRecords</c>.</summary>
    public required byte[] Tag { get; set; }
}

/// <summary>The last rotation of a layer.</summary>
internal sealed class KeyRotationRow
{
    public required KeyLayer Layer { get; init; }

    /// <summary>Keys made before this moment are replaced.</summary>
    public required DateTimeOffset RequestedAt { get; set; }

    /// <summary>When the last of these keys was removed; null before that.</summary>
    public DateTimeOffset? FinishedAt { get; set; }
}

/// <summary>The fingerprint of the database's root key, and a canary that only this root key opens.</summary>
internal sealed class RootKeyRow
{
    /// <summary>The only id: if two replicas start with different root keys, the second cannot insert its row.</summary>
    public const int OnlyId = 1;

    public required int Id { get; init; }

    public required string Fingerprint { get; set; }

    public required byte[] Canary { get; set; }

    /// <summary>Written by the readiness check to test writes, and at the start to lock the row.</summary>
    public DateTimeOffset ProbedAt { get; set; }
}

/// <summary>An integrity key, encrypted under the root key.</summary>
internal sealed class IntegrityKeyRow
{
    public required int Number { get; init; }

    public required byte[] Wrapped { get; set; }
}

/// <summary>A data key of an owner, wrapped by the key ring. The owner's account names the current key, the only one that is not retired.</summary>
internal sealed class DataKeyRow
{
    public required Guid Id { get; init; }

    public required OwnerKind OwnerKind { get; init; }

    public required string OwnerId { get; init; }

    public required byte[] Wrapped { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When the key was replaced; null for the current key.</summary>
    public DateTimeOffset? RetiredAt { get; set; }
}
