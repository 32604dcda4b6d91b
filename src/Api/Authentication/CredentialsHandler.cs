using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;

namespace Secrets.Api.Authentication;

/// <summary>Authenticates a request by <see cref="CredentialCheck"/>. The refusal of a known user is audited.</summary>
internal sealed partial class CredentialsHandler(
    CredentialCheck check, RefusedCredentials refusals, IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, UrlEncoder encoder)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    public const string SchemeName = "Credentials";

    /// <summary>A parameter of a challenge: whether the caller's cached key turned out to be no longer accepted.</summary>
    public const string RefusedLater = "refused-later";

    // All requests share these, so nothing may change them. A ticket without properties would make its own, with two dictionaries.
    private static readonly AuthenticationProperties NoProperties = new();

    private CheckedCredentials _checked = CheckedCredentials.None;

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        _checked = await check.CheckAsync(Context);

        // Not AuthenticateResult.Fail, because the framework would log its message too.
        return _checked.Caller is { } caller
            ? AuthenticateResult.Success(new AuthenticationTicket(new CallerPrincipal(caller, SchemeName), NoProperties, SchemeName))
            : AuthenticateResult.NoResult();
    }

    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        if (_checked.IsCrowdedOut)
        {
            await refusals.AnswerTooManyAsync(Context);
            return;
        }

        var isRefusedLater = properties.GetParameter<bool>(RefusedLater);
        if (isRefusedLater)
        {
            check.Forget(_checked);
        }

        var (known, refusal) = (_checked.Known, _checked.Refusal);
        CredentialMetrics.Count(isRefusedLater ? RefusalKind.Revoked : refusal?.Kind);
        var refused = isRefusedLater && known is { } cached ? RefusedCredential.ForUser(cached.User) : refusal?.CountedAs;
        if (await refusals.HandleAsync(Context, refused, known is { } one ? one with { IsRefused = one.IsRefused || isRefusedLater } : null))
        {
            return;
        }

        if (refusal is not null)
        {
            LogRefusal(Logger, refusal.Header, refusal.Why);
        }

        await base.HandleChallengeAsync(properties);
        Response.Headers.WWWAuthenticate = refusal is not null || isRefusedLater ? "Bearer error=\"invalid_token\"" : "Bearer";
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The credential in the header {Header} was refused: {Why}")]
    private static partial void LogRefusal(ILogger logger, string header, string why);
}
