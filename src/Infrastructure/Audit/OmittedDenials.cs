using Secrets.Application.Audit;

namespace Secrets.Infrastructure.Audit;

/// <summary>The key under which denials without a row are counted: caller, credential and owner.</summary>
/// <param name="UserId">The caller's user; null: one of the callers beyond the capacity.</param>
/// <param name="IsAccepted">Whether the credential is accepted.</param>
/// <param name="Owner">The owner of the requested secrets; null: none or several.</param>
/// <param name="By">The credential, without its expiry; null: several.</param>
internal readonly record struct OmittedDenial(Guid? UserId, bool IsAccepted, SecretOwner? Owner, Credential? By)
{
    // Expiries differ between the tokens of a user, so they would split the counts. The audit does not store them.
    public static OmittedDenial FromDenial(RefusedCaller caller, AuditEvent denial) =>
        new(caller.UserId, caller.IsAccepted, denial.Owner, denial.By is { } by ? by with { End = null } : null);

    public AuditEvent ToEvent(int count, DateTimeOffset now) => new()
    {
        At = now,
        Actor = UserId ?? Guid.Empty,
        By = By,
        Action = AuditAction.DenialsLeftOut,
        Outcome = AuditOutcome.Denied,
        Owner = Owner,
        LeftOut = count,
    };
}

/// <summary>Counts denials without a row in bounded memory: beyond the capacity, counts have less detail. Not thread-safe.</summary>
internal sealed class OmittedDenials(int capacity)
{
    /// <summary>The most counts for one caller. Further denials are counted without owner and credential.</summary>
    public const int MaxPerCaller = 16;

    private readonly Dictionary<(Guid UserId, bool IsAccepted), Dictionary<OmittedDenial, int>> _callers = [];
    private int _ofOthers;

    public void Add(OmittedDenial denial, int count)
    {
        if (denial.UserId is not { } user || CountsOf((user, denial.IsAccepted)) is not { } counts)
        {
            _ofOthers += count;
            return;
        }

        var counted = counts.ContainsKey(denial) || counts.Count < MaxPerCaller ? denial : denial with { Owner = null, By = null };
        counts[counted] = counts.GetValueOrDefault(counted) + count;
    }

    public List<KeyValuePair<OmittedDenial, int>> ToList()
    {
        List<KeyValuePair<OmittedDenial, int>> all = [.. _callers.Values.SelectMany(counts => counts)];
        if (_ofOthers > 0)
        {
            all.Add(new(default, _ofOthers));
        }

        return all;
    }

    /// <summary>The counts of a caller; null if the caller is beyond the capacity.</summary>
    private Dictionary<OmittedDenial, int>? CountsOf((Guid UserId, bool IsAccepted) caller)
    {
        if (!_callers.TryGetValue(caller, out var counts) && _callers.Count < capacity)
        {
            _callers.Add(caller, counts = []);
        }

        return counts;
    }
}
