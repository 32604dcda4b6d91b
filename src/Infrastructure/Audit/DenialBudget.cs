using Secrets.Application.Audit;

namespace Secrets.Infrastructure.Audit;

/// <summary>
/// Limits the audit rows for denials, per caller and minute. A caller that acts for users has one budget per user, so one user's denials do not use up
/// another's; all its users together get <see cref="MaxFullBudgets"/> times as many rows. Accepted and refused credentials of a user are separate callers.
/// Not thread-safe.
/// </summary>
/// <param name="perMinute">Rows per budget and minute; 0: unlimited.</param>
/// <param name="capacity">Callers that are tracked. Further callers are not limited until the next minute.</param>
/// <param name="time">The clock.</param>
internal sealed class DenialBudget(int perMinute, int capacity, TimeProvider time)
{
    private const int MaxFullBudgets = 10;

    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan MinWait = TimeSpan.FromSeconds(1);

    private Dictionary<(Guid UserId, bool IsAccepted), CallerUse> _callers = [];
    private long _windowStart = time.GetTimestamp();

    /// <summary>Takes one row from the caller's budget.</summary>
    /// <returns>Null: the denial gets a row. Otherwise the time until the next minute begins, 1 to 60 seconds.</returns>
    public TimeSpan? TakeOrGetWait(RefusedCaller caller)
    {
        if (perMinute == 0)
        {
            return null;
        }

        var age = time.GetElapsedTime(_windowStart);
        if (age >= Window)
        {
            (_callers, _windowStart, age) = ([], time.GetTimestamp(), TimeSpan.Zero);
        }

        if (!_callers.TryGetValue((caller.UserId, caller.IsAccepted), out var used))
        {
            if (_callers.Count >= capacity)
            {
                // The table is full, and memory is bounded: this caller is not tracked, and gets a row for each denial.
                return null;
            }

            _callers.Add((caller.UserId, caller.IsAccepted), used = new CallerUse());
        }

        return used.TryAdd(caller.NamedUser ?? caller.UserId, perMinute) ? null
            : Window - age is var wait && wait > MinWait ? wait
            : MinWait;
    }

    private sealed class CallerUse
    {
        private readonly Dictionary<Guid, int> _perUser = [];
        private long _total;

        public bool TryAdd(Guid user, int perMinute)
        {
            var rows = _perUser.GetValueOrDefault(user);
            if (rows >= perMinute || _total >= (long)perMinute * MaxFullBudgets)
            {
                return false;
            }

            _perUser[user] = rows + 1;
            _total++;
            return true;
        }
    }
}
