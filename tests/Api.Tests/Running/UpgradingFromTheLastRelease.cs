using Secrets.Api.Tests.Promises;
using Secrets.TestKit;
using Secrets.TestKit.History;

namespace Secrets.Api.Tests.Running;

/// <summary>Replicas of the last release are replaced by this version, one after the other, while clients write and resolve.</summary>
public sealed class UpgradingFromTheLastRelease(UpgradingFromTheLastRelease.Upgrade upgrade) : IClassFixture<UpgradingFromTheLastRelease.Upgrade>
{
    [Fact]
    public async Task Nothing_is_lost_on_the_way_there_and_back()
    {
        Upgrade.SkipUnlessPossible();
        var history = new HistoryRecorder();
        await using var load = await WritesAndResolves.StartAsync(upgrade, history);
        await EnoughAsync(history);

        Assert.Contains("The database is current.", await upgrade.MigrateAsync(), StringComparison.Ordinal);
        await upgrade.ReplaceAsync(0, isNew: true);
        await EnoughAsync(history);

        // Until the upgrade is finished, an operator can go back.
        await upgrade.ReplaceAsync(0, isNew: false);
        await EnoughAsync(history);

        for (var replica = 0; replica < Replicas.Count; replica++)
        {
            await upgrade.ReplaceAsync(replica, isNew: true);
            await EnoughAsync(history);
        }

        Assert.Contains("The database is current.", await upgrade.MigrateAsync("--finish"), StringComparison.Ordinal);
        await EnoughAsync(history);
        await load.StopAsync();

        var contradiction = history.Contradiction();
        Assert.True(contradiction is null, contradiction);
        Assert.True((await upgrade[0].GetAsync("/api/v1/audit/verify")).MustBe(200).Json["ok"]!.GetValue<bool>());
        TestContext.Current.TestOutputHelper?.WriteLine($"{history.Operations.Count} operations");
    }

    /// <summary>Waits for 500 more operations, so that every combination of versions answers many of them.</summary>
    private static async Task EnoughAsync(HistoryRecorder history)
    {
        var enough = history.Operations.Count + 500;
        for (var attempt = 0; history.Operations.Count < enough; attempt++)
        {
            Assert.True(attempt < 300, $"{history.Operations.Count} of {enough} operations");
            await Task.Delay(100);
        }
    }

    /// <summary>Replicas that begin as the last release, on its schema.</summary>
    public sealed class Upgrade : Replicas
    {
        private Installation? _installation;
        private bool _isNew;

        public static void SkipUnlessPossible()
        {
            LastRelease.SkipUnlessThere();
            Assert.SkipWhen(TestDatabase.IsSqlServer, "The script of the last release is run by a tool on SQL Server");
        }

        /// <summary>Stops a replica, and starts another version in its place.</summary>
        public async Task ReplaceAsync(int replica, bool isNew)
        {
            _isNew = isNew;
            await ReplaceAsync(replica, service => service.StopAsync());
        }

        /// <summary>Runs this version's command, and returns its output.</summary>
        public async Task<string> MigrateAsync(params string[] options)
        {
            await using var migration = _installation!.Run(["migrate", .. options]);
            Assert.Equal(0, await migration.ExitCodeAsync());
            return migration.Output;
        }

        protected override bool IsPossible => base.IsPossible && LastRelease.IsThere && !TestDatabase.IsSqlServer;

        protected override async Task MakeAsync(Installation installation)
        {
            _installation = installation;
            await installation.MakeAsync(await LastRelease.ScriptAsync("postgres"));
        }

        protected override RunningService Start(Installation installation) =>
            _isNew ? installation.Start() : installation.StartOther(LastRelease.Assembly);
    }
}
