using Microsoft.Extensions.Primitives;
using Secrets.Domain.Audit;

namespace Secrets.Api.Authentication;

/// <summary>
/// Checks the credentials in three headers, behind the limit of the client's address. All of them must be accepted and stand for the
/// same principal: an invalid one never falls through to another.
/// </summary>
internal sealed class CredentialCheck(ICredentialAuthenticator credentials, ICredentialLimit limit)
{
    public async ValueTask<CheckedCredentials> CheckAsync(HttpContext context)
    {
        var sent = CredentialHeaders.SentTo(context);
        if (sent.Count == 0)
        {
            return CheckedCredentials.None;
        }

        var hash = HashOf(sent);
        using var place = await limit.QueueAsync(context.Connection.RemoteIpAddress, hash, context.RequestAborted);
        if (place is { IsAcquired: false })
        {
            return new CheckedCredentials { IsCrowdedOut = true };
        }

        var verdicts = await JudgeAsync(context, sent);
        var (caller, refusal) = Combine(sent, verdicts);
        if (caller is null)
        {
            limit.Forget(hash);
        }
        else
        {
            limit.NoteAccepted(hash);
        }

        return new CheckedCredentials { Hash = hash, Caller = caller, Refusal = refusal, Known = KnownOf(verdicts) };
    }

    /// <summary>Makes credentials that are no longer accepted wait like others.</summary>
    public void Forget(CheckedCredentials accepted) => limit.Forget(accepted.Hash);

    private async ValueTask<CredentialVerdict[]> JudgeAsync(HttpContext context, IReadOnlyList<(string Header, StringValues Values)> sent)
    {
        var mayUseCache = sent.Count == 1 && CachedCallers.AreAcceptedAt(context);
        var verdicts = new CredentialVerdict[sent.Count];
        for (var at = 0; at < verdicts.Length; at++)
        {
            // At most one look-up for each header: a client that repeats a header could otherwise cause many look-ups with one request.
            verdicts[at] = sent[at].Values.Count == 1
                ? await credentials.AuthenticateAsync(CredentialHeaders.In(sent[at].Values.ToString()), mayUseCache, context.RequestAborted)
                : new CredentialVerdict("it was sent more than once");
        }

        return verdicts;
    }

    private static (Caller? Caller, CredentialRefusal? Refusal) Combine(IReadOnlyList<(string Header, StringValues Values)> sent, CredentialVerdict[] verdicts)
    {
        Caller? caller = null;
        for (var at = 0; at < verdicts.Length; at++)
        {
            if (verdicts[at].Caller is not { } next)
            {
                return (null, RefusalOf(sent[at], verdicts[at], verdicts[at].Refusal ?? "not accepted", verdicts[at].Kind));
            }

            caller = caller is null ? next : caller.And(next);
            if (caller is null)
            {
                return (null, RefusalOf(sent[at], verdicts[at], "belongs to another principal than the credential beside it", RefusalKind.Contradiction));
            }
        }

        return (caller, null);
    }

    /// <summary>A refused key takes precedence over accepted credentials, so that the order of the headers does not matter.</summary>
    private static KnownCredential? KnownOf(CredentialVerdict[] verdicts)
    {
        KnownCredential? known = null;
        foreach (var verdict in verdicts)
        {
            if (KnownOf(verdict) is { } one && (known is null || (one.IsRefused && !known.Value.IsRefused)))
            {
                known = one;
            }
        }

        return known;
    }

    private static KnownCredential? KnownOf(CredentialVerdict verdict) => verdict switch
    {
        { RefusedKey: { } key } => new(key.UserId, Credential.OfKey(key.Id, key.ExpiresAt), IsRefused: true),
        { Caller: { } caller } => new(caller.UserId, caller.Credential, IsRefused: false),
        _ => null,
    };

    private static CredentialRefusal RefusalOf((string Header, StringValues Values) sent, CredentialVerdict verdict, string why, RefusalKind kind) => new(
        sent.Header, why, kind, sent.Values.Count == 1 ? RefusedCredential.FromVerdict(CredentialHeaders.In(sent.Values.ToString()), verdict) : RefusedCredential.Unknown);

    private static int HashOf(IReadOnlyList<(string Header, StringValues Values)> sent)
    {
        var hash = default(HashCode);
        for (var at = 0; at < sent.Count; at++)
        {
            hash.Add(sent[at]);
        }

        return hash.ToHashCode();
    }
}

/// <summary>The result of a check of all credentials of a request.</summary>
internal sealed class CheckedCredentials
{
    /// <summary>The result without a credential.</summary>
    public static readonly CheckedCredentials None = new();

    /// <summary>The hash of all credentials.</summary>
    public int Hash { get; init; }

    /// <summary>The caller whom all credentials stand for; null: refused, or no credential.</summary>
    public Caller? Caller { get; init; }

    /// <summary>Why they are refused; null: they are accepted, not checked, or absent.</summary>
    public CredentialRefusal? Refusal { get; init; }

    /// <summary>The user of one of the credentials, even if that one is no longer accepted; null: not known.</summary>
    public KnownCredential? Known { get; init; }

    /// <summary>Whether they were not checked, because too many requests wait.</summary>
    public bool IsCrowdedOut { get; init; }
}

/// <summary>A refused credential.</summary>
/// <param name="Header">The header that had it.</param>
/// <param name="Why">The reason, for the log.</param>
/// <param name="Kind">The kind of the reason, for the metrics.</param>
/// <param name="CountedAs">The credential, as refusals are counted.</param>
internal sealed record CredentialRefusal(string Header, string Why, RefusalKind Kind, RefusedCredential CountedAs);

/// <summary>A credential of a known user.</summary>
/// <param name="User">The user.</param>
/// <param name="By">The credential.</param>
/// <param name="IsRefused">Whether it is no longer accepted.</param>
internal readonly record struct KnownCredential(Guid User, Credential By, bool IsRefused);
