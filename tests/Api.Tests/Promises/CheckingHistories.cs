using Secrets.TestKit;
using Secrets.TestKit.History;

namespace Secrets.Api.Tests.Promises;

/// <summary>Tests the checker of promise 4: it accepts exactly the linearizable histories.</summary>
public sealed class CheckingHistories
{
    private const string Key = "key";

    [Fact]
    public void The_checker_agrees_with_trying_every_order()
    {
        var random = new Random(20_261_121);
        var (rounds, explained, wrong) = (Campaign.Size(20_000), 0, 0);
        for (var number = 0; number < rounds; number++)
        {
            var history = SmallHistory(random);
            var expected = CanBeExplained(history, null);
            var found = HistoryChecker.FirstWrong(history);

            Assert.True(expected == (found is null), string.Join('\n', history));
            (explained, wrong) = expected ? (explained + 1, wrong) : (explained, wrong + 1);
        }

        Assert.True(explained > rounds / 10 && wrong > rounds / 10, $"{explained} explained, {wrong} not");
    }

    [Theory]
    [InlineData(Fault.None)]
    [InlineData(Fault.StaleCache)]
    [InlineData(Fault.LostUpdate)]
    [InlineData(Fault.Resurrection)]
    public void The_checker_finds_each_fault_of_a_store(Fault fault)
    {
        for (var seed = 0; seed < 100; seed++)
        {
            var found = HistoryChecker.FirstWrong(SimulatedStore.Run(new Random(seed), fault));
            Assert.True(fault == Fault.None == found is null, $"seed {seed}: {found}");
        }
    }

    [Fact]
    public void A_read_that_starts_as_a_write_ends_may_miss_it_and_later_reads_may_not()
    {
        Operation write = new(Key, OperationKind.Write, "new", 0, 10);
        Operation Reading(long start) => new(Key, OperationKind.Read, null, start, 20);

        Assert.Null(HistoryChecker.FirstWrong([write, Reading(10)]));
        Assert.Equal(Reading(11), HistoryChecker.FirstWrong([write, Reading(11)]));
    }

    [Fact]
    public void Successive_reads_during_a_write_never_go_back()
    {
        Operation[] history =
        [
            new(Key, OperationKind.Write, "new", 0, 100),
            new(Key, OperationKind.Read, "new", 10, 20),
            new(Key, OperationKind.Read, null, 30, 40),
        ];
        Assert.Equal(history[2], HistoryChecker.FirstWrong(history));
    }

    [Fact]
    public void A_write_of_unknown_outcome_may_take_effect_late_but_once()
    {
        List<Operation> history =
        [
            new(Key, OperationKind.Write, "lost", 0, null),
            new(Key, OperationKind.Write, "new", 10, 20),
            new(Key, OperationKind.Read, "new", 30, 40),
            new(Key, OperationKind.Read, "lost", 50, 60),
        ];
        Assert.Null(HistoryChecker.FirstWrong(history));

        history.Add(new(Key, OperationKind.Write, "newer", 70, 80));
        history.Add(new(Key, OperationKind.Read, "lost", 90, 100));
        Assert.Equal(history[^1], HistoryChecker.FirstWrong(history));
    }

    [Fact]
    public void Keys_are_independent()
    {
        Operation[] history = [new("one", OperationKind.Write, "new", 0, 10), new("other", OperationKind.Read, null, 20, 30)];
        Assert.Null(HistoryChecker.FirstWrong(history));
    }

    /// <summary>The definition: some order keeps real-time precedence and makes every read right.</summary>
    private static bool CanBeExplained(IReadOnlyList<Operation> rest, string? value)
    {
        if (rest.All(operation => operation.End is null))
        {
            return true;
        }

        return rest.Where(first => rest.All(other => !(other.End < first.Start))).Any(first =>
            (first.Kind == OperationKind.Write || first.Value == value)
            && CanBeExplained([.. rest.Where(other => !ReferenceEquals(other, first))], first.Value));
    }

    /// <summary>Few values and little time, so that operations overlap.</summary>
    private static List<Operation> SmallHistory(Random random)
    {
        string?[] values = ["a", "b", null];
        var history = new List<Operation>();
        for (var count = random.Next(2, 7); count > 0; count--)
        {
            var kind = random.Next(2) == 0 ? OperationKind.Write : OperationKind.Read;
            var start = random.Next(12);
            var isKnown = kind == OperationKind.Read || random.Next(4) > 0;
            history.Add(new Operation(Key, kind, values[random.Next(values.Length)], start, isKnown ? start + random.Next(6) : null));
        }

        return history;
    }

    /// <summary>The fault of a simulated store.</summary>
    public enum Fault
    {
        None,
        StaleCache,
        LostUpdate,
        Resurrection,
    }

    /// <summary>Four clients of a store of one key, in simulated time. Each operation takes effect at one moment between its start and end.</summary>
    private static class SimulatedStore
    {
        private const int Clients = 4;
        private const int OperationsEach = 250;
        private const int Staleness = 6;

        public static IReadOnlyList<Operation> Run(Random random, Fault fault)
        {
            var planned = Enumerable.Range(0, Clients).SelectMany(client => Plan(random, client)).OrderBy(step => step.Effect).ToList();
            var history = new List<Operation>();
            var (value, before) = ((string?)null, (string?)null);
            var (remembered, since) = ((string?)null, int.MinValue);
            foreach (var (operation, effect) in planned)
            {
                if (operation.Kind == OperationKind.Write)
                {
                    if (fault != Fault.LostUpdate || random.Next(3) > 0)
                    {
                        (value, before) = (operation.Value, value);
                    }

                    history.Add(operation);
                    continue;
                }

                if (effect - since > Staleness)
                {
                    (remembered, since) = (value, effect);
                }

                history.Add(operation with
                {
                    Value = fault switch
                    {
                        Fault.StaleCache => remembered,
                        Fault.Resurrection => value ?? before,
                        _ => value,
                    },
                });
            }

            return history;
        }

        /// <summary>The successive operations of a client and the moment of each effect. Answers to some writes are lost.</summary>
        private static IEnumerable<(Operation Operation, int Effect)> Plan(Random random, int client)
        {
            var now = random.Next(4);
            for (var number = 0; number < OperationsEach; number++)
            {
                var start = now;
                var effect = start + random.Next(3);
                now = effect + random.Next(3) + 1;
                if (random.Next(10) > 0)
                {
                    yield return (new Operation(Key, OperationKind.Read, null, start, now), effect);
                    continue;
                }

                var isLost = random.Next(15) == 0;
                var value = random.Next(3) == 0 ? null : $"{client}.{number}";
                yield return (new Operation(Key, OperationKind.Write, value, start, isLost ? null : now), isLost ? effect + random.Next(40) : effect);
            }
        }
    }
}
