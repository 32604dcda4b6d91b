using System.Diagnostics.Metrics;
using Secrets.Application.Encryption;

namespace Secrets.Infrastructure.Encryption.Rotation;

/// <summary>Shows the progress of key rotations, as this process last read it.</summary>
internal static class RotationMetrics
{
    private static readonly ObservableGauge<long> Left = Instruments.Meter.CreateObservableGauge(
        "secrets.key_rotation.keys_left", Read, "{key}", "Old keys that a requested rotation has not removed yet");

    private static volatile EncryptionState? _progress;

    /// <summary>Whether somebody collects the metric. Otherwise nobody needs to read the progress.</summary>
    public static bool Enabled => Left.Enabled;

    /// <summary>Notes the progress; null: no rotation is running.</summary>
    public static void Note(EncryptionState? progress) => _progress = progress;

    private static IEnumerable<Measurement<long>> Read()
    {
        var progress = _progress;
        yield return Of(KeyLayers.DataKeys, progress?.DataKeys);
        yield return Of(KeyLayers.KeyRing, progress?.KeyRing);
        yield return Of(KeyLayers.Integrity, progress?.Integrity);
    }

    private static Measurement<long> Of(string layer, RotationProgress? progress) =>
        new(progress?.KeysLeft ?? 0, new KeyValuePair<string, object?>("secrets.key_layer", layer));
}
