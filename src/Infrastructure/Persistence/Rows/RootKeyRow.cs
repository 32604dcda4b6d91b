namespace Secrets.Infrastructure.Persistence.Rows;

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
