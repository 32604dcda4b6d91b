using System.Net;
using System.Threading.RateLimiting;

namespace Secrets.Api.Authentication;

/// <summary>Limits the credentials that are checked and refused for each address.</summary>
internal interface ICredentialLimit
{
    /// <summary>
    /// Waits until credentials may be checked. Recently accepted credentials never wait, so that clients who share an address
    /// behind a proxy or NAT do not slow each other down.
    /// </summary>
    /// <param name="address">The client's address; null: no network connection.</param>
    /// <param name="credentials">The hash of the credentials.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The lease to dispose after the check; null: no wait needed. Not acquired: too many requests wait.</returns>
    ValueTask<RateLimitLease?> QueueAsync(IPAddress? address, int credentials, CancellationToken cancellationToken);

    /// <summary>Notes that credentials were accepted.</summary>
    void NoteAccepted(int credentials);

    /// <summary>Makes credentials that are no longer accepted wait like others.</summary>
    void Forget(int credentials);

    /// <summary>Counts a refusal before it is answered.</summary>
    /// <returns>How long the client must wait; null: below the limit.</returns>
    TimeSpan? Count(HttpContext context, RefusedCredential refused);
}
