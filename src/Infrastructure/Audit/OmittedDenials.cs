using Secrets.Application.Audit;
using Secrets.Domain.Audit;
using Secrets.Domain.Secrets;

namespace Secrets.Infrastructure.Audit;

/// <summary>Refusals without a row, as they are counted: those of one caller, with one credential, about one owner.</summary>
/// <param name="UserId">The caller's user; null: there were too many callers to tell them apart.</param>
/// <param name="IsAccepted">Whether the credential is accepted.</param>
/// <param name="Owner">Whose secrets they were about; null: nobody's, or those of several.</param>
/// <param name="By">The credential, without its end; null: it was one of several.</param>
internal readonly record struct OmittedDenial(Guid? UserId, bool IsAccepted, SecretOwner? Owner, Credential? By)
{
    // The end of a token is another each time, and not in the audit.
    public static OmittedDenial FromDenial(RefusedCaller caller, AuditEvent denial) => new(caller.UserId, caller.IsAccepted, denial.Owner, denial.By is { } by ? by with { End = null } : null);

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

/// <summary>Counts refusals that have no row, in bounded memory: what there is no room for is counted with less detail. Not for use by several threads at once.</summary>
internal sealed class OmittedDenials(int capacity)
{
    /// <summary>Counts of one caller; what is beyond them is counted without owner and credential.</summary>
    public const int MaxOfCaller = 16;

    private readonly Dictionary<(Guid UserId, bool IsAccepted), Dictionary<OmittedDenial, int>> _callers = [];
    private int _ofOthers;

    public void Add(OmittedDenial denial, int count)
    {
        if (denial.UserId is not { } user || CountsOf((user, denial.IsAccepted)) is not { } counts)
        {
            _ofOthers += count;
            return;
        }

        var counted = counts.ContainsKey(denial) || counts.Count < MaxOfCaller ? denial : denial with { Owner = null, By = null };
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

    /// <summary>Null: there are too many callers.</summary>
    private Dictionary<OmittedDenial, int>? CountsOf((Guid UserId, bool IsAccepted) caller)
    {
        if (!_callers.TryGetValue(caller, out var counts) && _callers.Count < capacity)
        {
            _callers.Add(caller, counts = []);
        }

        return counts;
    }
}
