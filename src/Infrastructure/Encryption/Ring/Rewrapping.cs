namespace Secrets.Infrastructure.Encryption.Ring;

/// <summary>The result of wrapping a key again before old ring keys are removed.</summary>
/// <param name="Wrapped">The key, wrapped with a surviving ring key; null if that is not needed or not possible.</param>
/// <param name="IsSound">Whether the wrapped key opens.</param>
internal sealed record Rewrapping(byte[]? Wrapped, bool IsSound = true)
{
    /// <summary>The key is already wrapped with a surviving ring key.</summary>
    public static readonly Rewrapping NotNeeded = new(Wrapped: null);

    /// <summary>The key does not open, so its ring key is unknown.</summary>
    public static readonly Rewrapping Broken = new(Wrapped: null, IsSound: false);

    /// <summary>Whether the key needs no change.</summary>
    public bool IsDone => IsSound && Wrapped is null;
}
