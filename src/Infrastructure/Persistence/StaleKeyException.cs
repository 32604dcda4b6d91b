namespace Secrets.Infrastructure.Persistence;

/// <summary>The integrity key was replaced during a transaction. A retry uses the new key.</summary>
internal sealed class StaleKeyException() : Exception("The integrity key was replaced during the transaction.");
