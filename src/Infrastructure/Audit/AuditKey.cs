namespace Secrets.Infrastructure.Audit;

/// <summary>The key that authenticates the audit's chains, in memory.</summary>
internal sealed class AuditKey
{
    private byte[]? _bytes;

    public ReadOnlySpan<byte> Bytes => _bytes ?? throw new InvalidOperationException("The audit key is not loaded yet.");

    public void Load(byte[] bytes) => _bytes = bytes;
}
