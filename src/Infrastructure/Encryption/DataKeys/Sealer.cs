using Secrets.Application.Secrets;

namespace Secrets.Infrastructure.Encryption.DataKeys;

/// <summary>Seals and opens values with the data keys of their owners (docs/architecture.md, "Encryption").</summary>
internal sealed partial class Sealer(DataKeyCache cache, DataKeyLookup lookup, Lazy<CurrentDataKeys> keys, ILogger<Sealer> logger) : ISealer
{
    public async Task<byte[]> SealAsync(Placement placement, SecretValue value, CancellationToken cancellationToken)
    {
        var key = await keys.Value.LockCurrentAsync(placement.Owner, cancellationToken);
        return Envelope.Seal(key.Id, key.Bytes, placement, value);
    }

    public async Task<byte[]> SealAheadAsync(Placement placement, SecretValue value, CancellationToken cancellationToken)
    {
        var key = cache.FindCurrent(placement.Owner) ?? await keys.Value.GetCurrentAsync(placement.Owner, cancellationToken);
        return Envelope.Seal(key.Id, key.Bytes, placement, value);
    }

    public async ValueTask<SecretValue> OpenAsync(Placement placement, ReadOnlyMemory<byte> envelope, CancellationToken cancellationToken)
    {
        if (Envelope.KeyIdOf(envelope.Span) is { } keyId
            && await lookup.FindAsync(placement.Owner, keyId, cancellationToken) is { } key
            && Envelope.Open(key.Bytes, placement, envelope.Span) is { } value)
        {
            return value;
        }

        Broken(placement.SecretId, placement.Owner.ToString());
        throw new BrokenSealException(placement.SecretId);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The envelope of secret {SecretId} of {Owner} does not open: the row of the secret or of its data key was changed outside the service")]
    private partial void Broken(Guid secretId, string owner);
}
