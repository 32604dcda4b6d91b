using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;

namespace Secrets.Infrastructure.Foundation;

/// <summary>A gauge that reads objects of this process only when somebody collects it. Objects with the same name are added up.</summary>
internal sealed class WatchedGauge
{
    // Weak, so that the gauge keeps no object alive.
    private readonly ConditionalWeakTable<object, Reading> _watched = [];
    private readonly string? _attribute;

    /// <summary>Creates the gauge.</summary>
    /// <param name="name">The name of the metric.</param>
    /// <param name="unit">Its unit.</param>
    /// <param name="description">Its description.</param>
    /// <param name="attribute">The attribute with the name of an object; null: none.</param>
    public WatchedGauge(string name, string unit, string description, string? attribute = null)
    {
        _attribute = attribute;
        Instruments.Meter.CreateObservableGauge(name, Read, unit, description);
    }

    /// <summary>Adds an object to the gauge.</summary>
    public void Watch(object watched, string name, Func<long> read) => _watched.Add(watched, new Reading(name, read));

    private IEnumerable<Measurement<long>> Read() => _watched
        .GroupBy(pair => pair.Value.Name, pair => pair.Value.Read(), StringComparer.Ordinal)
        .Select(group => _attribute is null
            ? new Measurement<long>(group.Sum())
            : new Measurement<long>(group.Sum(), new KeyValuePair<string, object?>(_attribute, group.Key)));

    private sealed record Reading(string Name, Func<long> Read);
}
