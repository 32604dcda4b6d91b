namespace Secrets.Infrastructure.Encryption;

/// <summary>A data key, unwrapped.</summary>
internal sealed record DataKey(Guid Id, byte[] Bytes)
{
    public override string ToString() => Id.ToString();
}
