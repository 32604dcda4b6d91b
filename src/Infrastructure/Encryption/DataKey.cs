namespace Secrets.Infrastructure.Encryption;

/// <summary>An unwrapped data key.</summary>
internal sealed record DataKey(Guid Id, byte[] Bytes)
{
    public override string ToString() => Id.ToString();
}
