namespace Secrets.Infrastructure.Foundation;

/// <summary>Why the service cannot start, in words for the person who starts it. Nothing but the message is of use to them.</summary>
public sealed class StartupException(string message, Exception? inner = null) : Exception(message, inner);
