namespace Secrets.Infrastructure.Persistence;

/// <summary>A transaction began before an integrity key was replaced, and must begin again.</summary>
internal sealed class StaleKeyException() : Exception("The integrity key was replaced meanwhile.");
