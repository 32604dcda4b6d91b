using System.Globalization;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Persistence;

/// <summary>
/// A part of the process's connections. Batches have their own pool with one connection for each worker, so that other requests cannot block them.
/// A pool hands out the connection that was idle longest; in one large pool, batches would mostly get cold database sessions.
/// </summary>
/// <param name="IsForBatches">True: the connections of batches. False: all other connections.</param>
/// <param name="Committers">See <see cref="Batching.GroupCommitOptions.Committers"/>.</param>
internal sealed record ConnectionShare(bool IsForBatches, int Committers)
{
    /// <summary>One connection for batches, two for the rest: a write that finds another replica's data key needs a second one to read the key ring.</summary>
    public const int Minimum = 3;

    // One worker each (a Batcher or a background service) for: reading API keys, owners, candidates and data keys; noting key uses; counting secret uses;
    // checking that the audit is writable.
    private const int Singles = 7;

    // New secrets, and audit rows.
    private const int KindsOfCommits = 2;

    /// <summary>The number of connections in this part. Both parts add up to the allowed number.</summary>
    /// <param name="allowed">The pool size in the connection string.</param>
    /// <exception cref="StartupException">Fewer than <see cref="Minimum"/> are allowed.</exception>
    public int CountFor(int allowed)
    {
        if (allowed < Minimum)
        {
            throw new StartupException(string.Create(
                CultureInfo.InvariantCulture, $"ConnectionStrings:Secrets allows {allowed} connections, but the service needs at least {Minimum}. Raise its maximum pool size."));
        }

        var batches = Math.Min(allowed / 2, Singles + (KindsOfCommits * Committers));
        return IsForBatches ? batches : allowed - batches;
    }

    /// <summary>The application name of a connection in the database.</summary>
    /// <param name="share">The part; null if there is only one.</param>
    /// <param name="given">The name in the connection string, if any.</param>
    public static string NameOf(ConnectionShare? share, string? given) => $"{given ?? "Secrets"}{(share is { IsForBatches: true } ? " (batches)" : "")}";
}
