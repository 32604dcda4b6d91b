using System.Globalization;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Persistence;

/// <summary>
/// A part of the connections that a process may have. Batches have theirs to themselves, one for each worker: a pool hands out what has rested
/// longest, and a session of the database that rests is cold when its turn comes, which in a large pool cost more than the work. Nor does a crowd of
/// other requests keep the batches waiting.
/// </summary>
/// <param name="OfBatches">Whether this is the part of batches, or what is left for everything else.</param>
/// <param name="Committers">See <see cref="Batching.GroupCommitOptions.Committers"/>.</param>
internal sealed record ConnectionShare(bool OfBatches, int Committers)
{
    /// <summary>The fewest connections that are enough: one for batches, and two for everything else: a write that meets a data key of another replica reads the key ring with a second one.</summary>
    public const int Least = 3;

    // What reads API keys, owners, candidates and data keys, notes which keys were used, counts which secrets, and checks that the audit can be written.
    private const int Singles = 7;

    // New secrets, and rows of the audit.
    private const int KindsOfCommits = 2;

    /// <summary>How many connections the part has. Both parts together have what is allowed.</summary>
    /// <param name="allowed">What the connection string allows.</param>
    /// <exception cref="StartupException">That is not enough.</exception>
    public int CountFor(int allowed)
    {
        if (allowed < Least)
        {
            throw new StartupException(string.Create(
                CultureInfo.InvariantCulture, $"ConnectionStrings:Secrets allows {allowed} connections, and the service needs {Least} at least."));
        }

        var batches = Math.Min(allowed / 2, Singles + (KindsOfCommits * Committers));
        return OfBatches ? batches : allowed - batches;
    }

    /// <summary>What the database shows a connection as.</summary>
    /// <param name="share">Its share; none when it shares with nobody.</param>
    /// <param name="given">The connection string's own name, if it has one.</param>
    public static string NameOf(ConnectionShare? share, string? given) => $"{given ?? "Secrets"}{(share is { OfBatches: true } ? " (batches)" : "")}";
}
