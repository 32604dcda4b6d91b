using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Primitives;
using Secrets.Domain.Audit;

namespace Secrets.Api.Authentication;

/// <summary>
/// Authenticates the credentials in three headers. All of them must be accepted and stand for the
/// same principal: an invalid one never falls through to another. The refusal of a known user is audited.
/// </summary>
internal sealed partial class CredentialsHandler(
    ICredentialAuthenticator credentials, RefusedCredentials refusals, IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, UrlEncoder encoder)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    public const string SchemeName = "Credentials";

    /// <summary>A parameter of a challenge: whether the caller's cached key turned out to be no longer accepted.</summary>
    public const string RefusedLater = "refused-later";

    // The user of one of the credentials, even if that one is no longer accepted.
    private (Guid User, Credential By, bool IsRefused)? _known;

    // The refused header and the reason.
    private (string Header, string Why, RefusalKind Kind, RefusedCredential Refused)? _refusal;

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var sent = CredentialHeaders.SentTo(Context);
        var mayUseCache = sent.Count == 1 && CachedCallers.AreAcceptedAt(Context);
        var verdicts = new CredentialVerdict[sent.Count];
        for (var at = 0; at < verdicts.Length; at++)
        {
            verdicts[at] = await JudgeAsync(sent[at].Values, mayUseCache);

            // Check all before refusing one, so that the order of the headers does not matter. A refused key takes precedence over accepted ones.
            if (KnownOf(verdicts[at]) is { } known && (_known is null || (known.IsRefused && !_known.Value.IsRefused)))
            {
                _known = known;
            }
        }

        Caller? caller = null;
        for (var at = 0; at < verdicts.Length; at++)
        {
            if (verdicts[at].Caller is not { } next)
            {
                return Refuse(sent[at], verdicts[at], verdicts[at].Refusal ?? "not accepted", verdicts[at].Kind);
            }

            caller = caller is null ? next : caller.And(next);
            if (caller is null)
            {
                return Refuse(sent[at], verdicts[at], "belongs to another principal than the credential beside it", RefusalKind.Contradiction);
            }
        }

        return caller is null
            ? AuthenticateResult.NoResult()
            : AuthenticateResult.Success(new AuthenticationTicket(new CallerPrincipal(caller, SchemeName), SchemeName));
    }

    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        var isRefusedLater = properties.GetParameter<bool>(RefusedLater);
        CredentialMetrics.Count(isRefusedLater ? RefusalKind.Revoked : _refusal?.Kind);
        var refused = isRefusedLater && _known is { } cached ? RefusedCredential.ForUser(cached.User) : _refusal?.Refused;
        if (await refusals.HandleAsync(Context, refused, _known is { } known ? known with { IsRefused = known.IsRefused || isRefusedLater } : null))
        {
            return;
        }

        if (_refusal is { } refusal)
        {
            LogRefusal(Logger, refusal.Header, refusal.Why);
        }

        await base.HandleChallengeAsync(properties);
        Response.Headers.WWWAuthenticate = _refusal is not null || isRefusedLater ? "Bearer error=\"invalid_token\"" : "Bearer";
    }

    private static (Guid User, Credential By, bool IsRefused)? KnownOf(CredentialVerdict verdict) => verdict switch
    {
        { RefusedKey: { } key } => (key.UserId, Credential.OfKey(key.Id, key.ExpiresAt), true),
        { Caller: { } caller } => (caller.UserId, caller.Credential, false),
        _ => null,
    };

    /// <summary>At most one look-up for each header: a client that repeats a header could otherwise cause many look-ups with one request.</summary>
    private ValueTask<CredentialVerdict> JudgeAsync(StringValues values, bool mayUseCache) => values.Count == 1
        ? credentials.AuthenticateAsync(CredentialHeaders.In(values.ToString()), mayUseCache, Context.RequestAborted)
        : new ValueTask<CredentialVerdict>(new CredentialVerdict("it was sent more than once"));

    private AuthenticateResult Refuse((string Header, StringValues Values) sent, CredentialVerdict verdict, string why, RefusalKind kind)
    {
        _refusal = (sent.Header, why, kind, sent.Values.Count == 1 ? RefusedCredential.FromVerdict(CredentialHeaders.In(sent.Values.ToString()), verdict) : RefusedCredential.Unknown);

        // Not AuthenticateResult.Fail, because the framework would log its message too.
        return AuthenticateResult.NoResult();
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The credential in the header {Header} was refused: {Why}")]
    private static partial void LogRefusal(ILogger logger, string header, string why);
}
