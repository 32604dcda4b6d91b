using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Secrets.Application.Common;
using Secrets.Domain.ApiKeys;
using Secrets.Domain.Audit;
using Secrets.Domain.Secrets;

namespace Secrets.Infrastructure.Integrity;

/// <summary>Owners whose rows do not verify: says so in the log and in the audit, again every ten minutes, until they do.</summary>
internal sealed partial class IntegrityAlarms(Lazy<IAuditLog> audit, TimeProvider time, ILogger<IntegrityAlarms> logger)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(10);

    // Many at once are one attack: what is beyond is refused like the others, and only not listed.
    private const int Capacity = 10_000;

    // By owner, or by the prefix of a key.
    private readonly ConcurrentDictionary<object, Alarm> _alarms = new();

    /// <summary>How many owners there are at this moment, and since when the first.</summary>
    public (int Owners, DateTimeOffset? Since) State
    {
        get
        {
            var owners = _alarms.IsEmpty ? [] : _alarms.Where(alarm => alarm.Key is SecretOwner).Select(alarm => alarm.Value.Since).ToList();
            return (owners.Count, owners.Count == 0 ? null : owners.Min());
        }
    }

    /// <summary>Whether an owner's rows did not verify when they were last read.</summary>
    public bool IsRaised(SecretOwner owner) => !_alarms.IsEmpty && _alarms.ContainsKey(owner);

    /// <summary>An owner's rows do not verify.</summary>
    public async Task RaiseAsync(SecretOwner owner, string fault)
    {
        if (IsDue(owner))
        {
            Tampered(owner.ToString(), fault);
            await WriteAsync(Failure(Guid.Empty) with { Owner = owner });
        }
    }

    /// <summary>A key's row is not one of those that its user's account says.</summary>
    /// <param name="prefix">The key's prefix.</param>
    /// <param name="key">The key as it is stored; null: it cannot be read.</param>
    /// <param name="fault">What is wrong, in words for the log.</param>
    public async Task RaiseAsync(string prefix, ApiKey? key, string fault)
    {
        if (IsDue(prefix))
        {
            TamperedKey(prefix, fault);
            await WriteAsync(Failure(key?.UserId ?? Guid.Empty) with { KeyId = key?.Id });
        }
    }

    /// <summary>An owner's rows verify (again).</summary>
    public void Clear(SecretOwner owner)
    {
        if (!_alarms.IsEmpty && _alarms.TryRemove(owner, out _))
        {
            Cleared(owner.ToString());
        }
    }

    private AuditEvent Failure(Guid actor) => new() { At = time.GetUtcNow(), Actor = actor, Action = AuditAction.IntegrityFailure, Outcome = AuditOutcome.Denied };

    private bool IsDue(object subject)
    {
        var now = time.GetUtcNow();
        var known = _alarms.GetValueOrDefault(subject);
        if (known is null ? _alarms.Count >= Capacity : now < known.SaidAt + Interval)
        {
            return false;
        }

        _alarms[subject] = new Alarm(known?.Since ?? now, now);
        return true;
    }

    private async Task WriteAsync(AuditEvent fact)
    {
        try
        {
            await audit.Value.AppendAsync([fact], CancellationToken.None);
        }
        catch (UnavailableException)
        {
            // It is in the log. What is refused stays refused.
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The rows of {Owner} were changed outside the service, so the owner's values are neither handed out nor changed: {Fault}")]
    private partial void Tampered(string owner, string fault);

    [LoggerMessage(Level = LogLevel.Error, Message = "The row of API key {Prefix} was changed outside the service, so the key is refused: {Fault}")]
    private partial void TamperedKey(string prefix, string fault);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The rows of {Owner} verify again")]
    private partial void Cleared(string owner);

    private sealed record Alarm(DateTimeOffset Since, DateTimeOffset SaidAt);
}
