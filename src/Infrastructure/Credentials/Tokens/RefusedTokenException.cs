namespace Secrets.Infrastructure.Credentials.Tokens;

/// <summary>A token is not accepted. The message is the reason, for the log, and repeats nothing of the token.</summary>
internal sealed class RefusedTokenException(string why) : Exception(why);
