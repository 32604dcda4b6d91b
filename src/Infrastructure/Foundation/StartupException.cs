namespace Secrets.Infrastructure.Foundation;

/// <summary>The service cannot start. The message tells an operator the cause and the remedy; no stack trace is shown.</summary>
public sealed class StartupException(string message, Exception? inner = null) : Exception(message, inner);
