namespace Secrets.Infrastructure.Transactions;

/// <summary>
/// Groups of creates that share an owner run one after the other in this process. With only a lock in the database, both would compute the owner's next
/// account from the same one, and the second would fail.
/// </summary>
internal sealed class OwnerGroupTurns : IDisposable
{
    // Owners are hashed to a fixed number of semaphores. Two owners with the same semaphore wait for each other without need; that is harmless.
    private readonly SemaphoreSlim[] _turns = [.. Enumerable.Range(0, 1_024).Select(_ => new SemaphoreSlim(1))];

    /// <summary>Waits for the turn of all owners. Semaphores are taken in a fixed order, so that two groups cannot deadlock.</summary>
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

    /// <summary>The turn of a group. It ends on disposal.</summary>
    internal readonly struct Turn(List<SemaphoreSlim> taken) : IDisposable
    {
        public void Dispose() => taken.ForEach(turn => turn.Release());
    }
}
