using Secrets.Application.Audit;

namespace Secrets.Infrastructure.Audit;

/// <summary>
/// How many refusals of each caller have a row within a minute. A caller that acts for users has as many for each of them, so that one user's missing ids do not use up what the others have, and
/// <see cref="Users"/> times as many in all. Not for use by several threads at once.
/// </summary>
internal sealed class DenialBudget(int perMinute, int capacity, TimeProvider time)
{
    private const int Users = 10;

    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Least = TimeSpan.FromSeconds(1);

    private Dictionary<(Guid UserId, bool IsAccepted), Taken> _callers = [];
    private long _begun = time.GetTimestamp();

    /// <summary>Takes a row for a refusal.</summary>
    /// <returns>Null: it is taken. Otherwise when there are rows again, from a second to a minute.</returns>
    public TimeSpan? TryTake(RefusedCaller caller)
    {
        if (perMinute == 0)
        {
            return null;
        }

        var age = time.GetElapsedTime(_begun);
        if (age >= Window)
        {
            (_callers, _begun, age) = ([], time.GetTimestamp(), TimeSpan.Zero);
        }

        if (!_callers.TryGetValue((caller.UserId, caller.IsAccepted), out var taken))
        {
            if (_callers.Count >= capacity)
            {
                return null;
            }

            _callers.Add((caller.UserId, caller.IsAccepted), taken = new Taken());
        }

        return taken.TryAdd(caller.ActsFor ?? caller.UserId, perMinute) ? null
            : Window - age is var wait && wait > Least ? wait
            : Least;
    }

    private sealed class Taken
    {
        private readonly Dictionary<Guid, int> _ofUsers = [];
        private long _all;

        public bool TryAdd(Guid user, int perMinute)
        {
            var own = _ofUsers.GetValueOrDefault(user);
            if (own >= perMinute || _all >= (long)perMinute * Users)
            {
                return false;
            }

            _ofUsers[user] = own + 1;
            _all++;
            return true;
        }
    }
}
