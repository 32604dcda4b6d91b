using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Secrets.TestKit;

namespace Secrets.Fuzzing.Tests;

/// <summary>
/// Random inputs for every reader of untrusted input. Without settings a run tries the corpus and a few new inputs. With <c>SECRETS_FUZZ_SECONDS</c>
/// each target runs for that time and saves new inputs. <c>SECRETS_FUZZ_SEED</c> repeats a run.
/// </summary>
public sealed class Campaigns
{
    private const int MostFindings = 20;

    /// <summary>The time limit of an input, generous for busy machines.</summary>
    private static readonly TimeSpan Hang = TimeSpan.FromSeconds(30);

    private static readonly int Seconds = Setting("SECRETS_FUZZ_SECONDS") ?? 0;

    private static readonly int Seed = Setting("SECRETS_FUZZ_SEED") ?? RandomNumberGenerator.GetInt32(int.MaxValue);

    [Fact]
    public Task Bodies() => RunAsync(JsonBodies.StartAsync, Campaign.Size(3_000));

    [Fact]
    public Task Credentials() => RunAsync(CredentialHeaders.StartAsync, Campaign.Size(15_000));

    [Fact]
    public Task Envelopes() => RunAsync(() => Task.FromResult(new SealedBytes()), Campaign.Size(50_000));

    [Fact]
    public Task Patterns() => RunAsync(() => Task.FromResult(new ToolPatterns()), Campaign.Size(8_000));

    private static async Task RunAsync<T>(Func<Task<T>> start, int inputs)
        where T : IFuzzTarget
    {
        await using var target = await start();
        var run = new Run(target);
        foreach (var input in run.Corpus.Read())
        {
            await run.TryAsync(input, keep: false);
        }

        foreach (var input in target.Seeds)
        {
            await run.TryAsync(input, keep: false);
        }

        var random = new Random(Seed);
        var mutator = new Mutator(random, target.Dictionary);
        var known = run.Tried;
        var watch = Stopwatch.StartNew();
        while (Seconds > 0 ? watch.Elapsed.TotalSeconds < Seconds : run.Tried - known < inputs)
        {
            if (run.Findings.Count == MostFindings)
            {
                break;
            }

            await run.TryAsync(mutator.Mutate(run.Pick(random), run.Pick(random)), keep: Seconds > 0);
        }

        var report = $"{target.Name}, seed {Seed}: {run.Tried} inputs in {watch.Elapsed.TotalSeconds:0} s, {run.Reached} outcomes, {run.Findings.Count} findings";
        TestContext.Current.TestOutputHelper?.WriteLine(report);
        Assert.True(run.Findings.Count == 0, $"{report}\n{string.Join('\n', run.Findings)}");
    }

    private static int? Setting(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture) : null;

    /// <summary>The tried inputs and the findings of a run.</summary>
    private sealed class Run(IFuzzTarget target)
    {
        private readonly HashSet<string> _reached = new(StringComparer.Ordinal);
        private readonly List<byte[]> _pool = [];

        public Corpus Corpus { get; } = new(target.Name);

        public int Tried { get; private set; }

        public int Reached => _reached.Count;

        public List<string> Findings { get; } = [];

        public byte[] Pick(Random random) => _pool[random.Next(_pool.Count)];

        public async Task TryAsync(byte[] input, bool keep)
        {
            Tried++;
            string reached;
            try
            {
                reached = await Task.Run(() => target.TryAsync(input)).WaitAsync(Hang);
            }
            catch (HttpRequestException failure)
            {
                throw new InvalidOperationException($"The service stopped answering after {Corpus.Encode(input)}", failure);
            }
            catch (Exception failure)
            {
                reached = $"failed: {failure.GetType().Name}: {failure.Message.Split('\n')[0]}";
                if (!_reached.Contains(reached))
                {
                    Findings.Add($"{Corpus.Encode(input)}\n{failure}");
                }
            }

            if (_reached.Add(reached))
            {
                _pool.Add(input);
                if (keep)
                {
                    Corpus.Add(input);
                }
            }
        }
    }
}
