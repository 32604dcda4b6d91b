using Secrets.Domain.Secrets;

namespace Secrets.Infrastructure.Transactions;

/// <summary>
/// Lets groups of creates that have an owner in common follow each other within this process. The database makes them wait too, but only after each has computed the owner's next account from the
/// same one, and then the second is refused.
/// </summary>
internal sealed class OwnerTurns : IDisposable
{
    // For all owners: two that share a semaphore wait for each other needlessly, and nothing more.
    private readonly SemaphoreSlim[] _turns = [.. Enumerable.Range(0, 1_024).Select(_ => new SemaphoreSlim(1))];

    /// <summary>Waits for the turn of all of these owners. In one order, so that no two groups wait for each other.</summary>
    public async ValueTask<Turn> TakeAsync(IEnumerable<SecretOwner> owners)
    {
        List<SemaphoreSlim> taken = [];
        foreach (var place in owners.Select(PlaceOf).Distinct().Order())
        {
            await _turns[place].WaitAsync();
            taken.Add(_turns[place]);
        }

        return new Turn(taken);
    }

    public void Dispose() => Array.ForEach(_turns, turn => turn.Dispose());

    private int PlaceOf(SecretOwner owner) => (int)((uint)owner.GetHashCode() % (uint)_turns.Length);

    /// <summary>The turn, until it is disposed of.</summary>
    internal readonly struct Turn(List<SemaphoreSlim> taken) : IDisposable
    {
        public void Dispose() => taken.ForEach(turn => turn.Release());
    }
}
