namespace Secrets.Infrastructure.Persistence.Rows;

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
