using System.Collections.Concurrent;
using Secrets.Application.Audit;
using Secrets.Domain.ApiKeys;
using Secrets.Infrastructure.Foundation;

namespace Secrets.Infrastructure.Integrity;

/// <summary>
/// Reports tampered owners, API keys and audit rows to the log and the audit, each at most every ten minutes (owners beyond the capacity: logged at every
/// read).
/// </summary>
internal sealed partial class IntegrityAlarms(Lazy<IAuditLog> audit, TimeProvider time, ILogger<IntegrityAlarms> logger) : IIntegrityReport
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(10);

    // So many tampered owners mean one attack, about which more audit rows would say nothing new. Further owners are only logged.
    private const int Capacity = 10_000;

    private readonly ConcurrentDictionary<SecretOwner, Alarm> _owners = IntegrityMetrics.WatchOwners(new ConcurrentDictionary<SecretOwner, Alarm>());

    // When a fault of an API key (by prefix), of a user's keys (by user id) or of the audit was last reported.
    private readonly BoundedCache<string, DateTimeOffset> _reported = new(Capacity);

    /// <inheritdoc />
    public (int Owners, DateTimeOffset? Since) State =>
        _owners.IsEmpty ? (0, null) : (_owners.Count, _owners.Values.Min(alarm => (DateTimeOffset?)alarm.Since));

    /// <summary>Whether an owner's rows did not verify when they were last read.</summary>
    public bool IsRaised(SecretOwner owner) => !_owners.IsEmpty && _owners.ContainsKey(owner);

    public async Task RaiseAsync(SecretOwner owner, string fault)
    {
        var now = time.GetUtcNow();
        var known = _owners.GetValueOrDefault(owner);
        if (known is not null && now < known.ReportedAt + Interval)
        {
            return;
        }

        Tampered(owner.ToString(), fault);
        IntegrityMetrics.CountOwner();
        if (known is not null || _owners.Count < Capacity)
        {
            _owners[owner] = new Alarm(known?.Since ?? now, now);
            await WriteAsync(Failure(Guid.Empty) with { Owner = owner });
        }
    }

    public async Task RaiseKeysAsync(Guid userId, string fault)
    {
        if (IsDue($"{userId}"))
        {
            TamperedKeys(userId, fault);
            IntegrityMetrics.CountUserKeys();
            await WriteAsync(Failure(userId) with { Owner = SecretOwner.User(userId), TargetKeyUserId = userId });
        }
    }

    /// <summary>Reports that an API key does not match the account of its user. The key is null if its row cannot be read.</summary>
    public async Task RaiseAsync(string prefix, ApiKey? key, string fault)
    {
        if (IsDue(prefix))
        {
            TamperedKey(prefix, fault);
            IntegrityMetrics.CountKey();
            await WriteAsync(Failure(key?.UserId ?? Guid.Empty) with { TargetKeyId = key?.Id });
        }
    }

    public async Task RaiseAuditAsync(string fault)
    {
        if (IsDue("audit"))
        {
            TamperedAudit(fault);
            IntegrityMetrics.CountAudit();
            await WriteAsync(Failure(Guid.Empty));
        }
    }

    /// <summary>Ends the alarm of an owner whose rows verify again.</summary>
    public void Clear(SecretOwner owner)
    {
        if (!_owners.IsEmpty && _owners.TryRemove(owner, out _))
        {
            Cleared(owner.ToString());
        }
    }

    private AuditEvent Failure(Guid actor) =>
        new() { At = time.GetUtcNow(), Actor = actor, Action = AuditAction.IntegrityFailure, Outcome = AuditOutcome.Denied };

    private bool IsDue(string subject)
    {
        var now = time.GetUtcNow();
        if (_reported.TryFind(subject, out var last) && now < last + Interval)
        {
            return false;
        }

        _reported.Add(subject, now);
        return true;
    }

    private async Task WriteAsync(AuditEvent auditEvent)
    {
        try
        {
            await audit.Value.AppendAsync([auditEvent], CancellationToken.None);
        }
        catch (UnavailableException)
        {
            // The log has the fault, and the request fails anyway.
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The rows of {Owner} were changed outside the service. The values can be neither read nor written: {Fault}")]
    private partial void Tampered(string owner, string fault);

    [LoggerMessage(Level = LogLevel.Error, Message = "The row of API key {Prefix} was changed outside the service, so the key is refused: {Fault}")]
    private partial void TamperedKey(string prefix, string fault);

    [LoggerMessage(Level = LogLevel.Error, Message = "The API keys of user {UserId} were changed outside the service. They cannot be changed: {Fault}")]
    private partial void TamperedKeys(Guid userId, string fault);

    [LoggerMessage(Level = LogLevel.Error, Message = "The audit was changed outside the service, so the service is not ready: {Fault}")]
    private partial void TamperedAudit(string fault);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The rows of {Owner} verify again")]
    private partial void Cleared(string owner);

    private sealed record Alarm(DateTimeOffset Since, DateTimeOffset ReportedAt);
}
