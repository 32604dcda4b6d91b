namespace Secrets.Infrastructure.Encryption.Ring;

/// <summary>What is to be done about something that the ring wraps, before old keys of the ring may go.</summary>
/// <param name="Wrapped">It, wrapped with a key that stays; null: nothing is to be done, or nothing can be.</param>
/// <param name="IsSound">Whether it opens.</param>
internal sealed record Rewrapping(byte[]? Wrapped, bool IsSound = true)
{
    /// <summary>It is wrapped with a key that stays.</summary>
    public static readonly Rewrapping NotNeeded = new(Wrapped: null);

    /// <summary>It does not open, so nobody can tell which key it needs.</summary>
    public static readonly Rewrapping Broken = new(Wrapped: null, IsSound: false);

    /// <summary>Whether nothing is to be done.</summary>
    public bool IsDone => IsSound && Wrapped is null;
}
