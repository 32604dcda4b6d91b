namespace Secrets.Infrastructure.Credentials.Tokens;

/// <summary>A token is not accepted. The message is the reason, for the log, and repeats nothing of the token.</summary>
internal sealed class RefusedTokenException(string why, RefusalKind kind = RefusalKind.Malformed) : Exception(why)
{
    /// <summary>The kind of the refusal, for metrics.</summary>
    public RefusalKind Kind => kind;
}
