namespace Secrets.Infrastructure.Credentials.Tokens;

/// <summary>A token that is not accepted. The message says why, in words for the log; nothing of the token is in it.</summary>
internal sealed class RefusedTokenException(string why) : Exception(why);
