using System.Text.Json.Nodes;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Secrets.Application.Common;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Encryption;
using Secrets.Infrastructure.Encryption.Ring;
using Secrets.Infrastructure.Encryption.Rotation;
using Secrets.Infrastructure.Integrity;
using Secrets.Infrastructure.Integrity.Recovery;
using Secrets.Infrastructure.Persistence;
using Secrets.TestKit;

namespace Secrets.Infrastructure.Tests.Integrity;

/// <summary>Replaces the integrity key under load; then the old key is not accepted. The test has its own server, because it moves the clock.</summary>
public sealed class ReplacingTheIntegrityKey : IAsyncLifetime
{
    private const string Encryption = "/api/v1/encryption";

    private readonly LateClock _clock = new();
    private readonly ApiServer _server = ApiServer.With(("Resolve:MemoryMegabytes", "0"));

    public ReplacingTheIntegrityKey() => (_server.Clock, _server.ReplacesKeysByItself) = (_clock, false);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => _server.InitializeAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Every_account_is_made_anew_and_the_old_key_goes_after_its_time()
    {
        using var early = await Victim.NewAsync(_server);
        Assert.Equal([1], await NumbersAsync());

        await RotateAsync();
        using var between = await Victim.NewAsync(_server);
        Assert.Equal(Victim.Value, await early.ValueAsync());
        (await early.UpdateAsync(Victim.Value)).MustBe(200);
        Assert.Equal([1, 2], await NumbersAsync());

        // Every replica must know the new key before an account uses it.
        await _server.ReplaceKeysAsync();
        Assert.Equal([1, 2], await NumbersAsync());
        _clock.MoveOn(IntegrityKeyReplacement.Delay);
        await _server.ReplaceKeysAsync();
        Assert.Equal([2], await NumbersAsync());
        Assert.Equal(1, await LeftAsync());
        await MustGoOnAsync(early);
        await MustGoOnAsync(between);

        _clock.MoveOn(KeyRingReplacement.GracePeriod);
        await _server.ReplaceKeysAsync();
        Assert.Equal(0, await LeftAsync());
        Assert.NotNull((await StateAsync())["finished_at"]);
        Assert.Equal([2], await KeysAsync());
        await MustGoOnAsync(early);
        await MustGoOnAsync(between);
        Assert.All([early, between], victim => Assert.True(VerifiesAsync(victim.Owner).GetAwaiter().GetResult()));
        using var @operator = _server.Operator();
        Assert.True((await @operator.GetAsync("/api/v1/audit/verify")).MustBe(200).Json["ok"]!.GetValue<bool>());
    }

    [Fact]
    public async Task What_the_old_key_made_counts_no_more()
    {
        using var victim = await Victim.NewAsync(_server);
        await AttackAsync("CREATE TABLE old_keys AS TABLE integrity_keys; CREATE TABLE old_owners AS TABLE owners; CREATE TABLE old_accounts AS TABLE key_accounts");
        await ReplaceAsync();

        await AttackAsync($"UPDATE owners SET account = old.account, version = old.version FROM old_owners old WHERE old.id = owners.id AND owners.id = '{victim.Organization}'");
        await victim.MustBeRefusedAsync();
        Assert.False(await VerifiesAsync(victim.Owner));

        await AttackAsync("INSERT INTO integrity_keys SELECT * FROM old_keys");
        (await StateAnswerAsync()).MustBe(409);
        await victim.MustBeRefusedAsync();

        await AttackAsync($"UPDATE key_accounts SET account = old.account, version = old.version FROM old_accounts old WHERE old.user_id = key_accounts.user_id AND old.user_id = '{victim.Runtime.UserId}'");
        (await victim.Runtime.GetAsync("/api/v1/secrets")).MustBe(401);
    }

    [Fact]
    public async Task The_old_key_stays_while_an_account_does_not_verify()
    {
        using var victim = await Victim.NewAsync(_server);
        using var other = await Victim.NewAsync(_server);
        await AttackAsync($"UPDATE secrets SET tool_name = 'x' WHERE id = '{victim.First}'");
        await ReplaceAsync();
        Assert.Equal(1, await LeftAsync());
        await MustGoOnAsync(other);
        (await victim.ResolveAsync()).MustBe(409);

        await AttackAsync($"UPDATE secrets SET tool_name = 't' WHERE id = '{victim.First}'");
        for (var pass = 0; pass < 2; pass++)
        {
            await _server.ReplaceKeysAsync();
        }

        Assert.Equal(0, await LeftAsync());
        await MustGoOnAsync(victim);
    }

    [Theory]
    [InlineData("owners", "id = '{0}'")]
    [InlineData("key_accounts", "user_id = '{1}'")]
    public async Task A_header_that_says_what_is_not_so_does_not_let_the_old_key_go(string table, string row)
    {
        using var victim = await Victim.NewAsync(_server);
        await RotateAsync();
        var where = string.Format(System.Globalization.CultureInfo.InvariantCulture, row, victim.Organization, victim.Runtime.UserId);
        await AttackAsync($"UPDATE {table} SET account = set_byte(account, 2, 2) WHERE {where}");
        for (var pass = 0; pass < 2; pass++)
        {
            _clock.MoveOn(KeyRingReplacement.GracePeriod);
            await _server.ReplaceKeysAsync();
        }

        Assert.Equal(1, await LeftAsync());
        await AttackAsync($"UPDATE {table} SET account = set_byte(account, 2, 1) WHERE {where}");
        for (var pass = 0; pass < 2; pass++)
        {
            await _server.ReplaceKeysAsync();
        }

        Assert.Equal(0, await LeftAsync());
        await MustGoOnAsync(victim);
    }

    [Fact]
    public async Task A_wrapped_key_that_somebody_destroys_is_noticed_while_the_key_is_still_in_memory()
    {
        await AttackAsync("CREATE TABLE kept AS TABLE integrity_keys; UPDATE integrity_keys SET wrapped = set_byte(wrapped, 20, (get_byte(wrapped, 20) + 1) % 256)");
        (await StateAnswerAsync()).MustBe(409);
        using var @operator = _server.Operator();
        (await @operator.GetAsync("/health/ready")).MustBe(503);

        await AttackAsync("DELETE FROM integrity_keys; INSERT INTO integrity_keys SELECT * FROM kept");
        (await StateAnswerAsync()).MustBe(200);
    }

    [Fact]
    public void Who_slept_through_it_opens_no_account_with_a_key_that_counts_no_more()
    {
        // A write that began with the old key fails, even once the process has loaded the new key.
        var keys = new IntegrityKeys(new Lazy<KeyRing>(() => throw new NotSupportedException()), _clock);
        keys.Load([new IntegrityKey(1, new byte[IntegrityKey.Size])], _clock.GetUtcNow());
        keys.RequireNewest(1);
        _clock.MoveOn(TimeSpan.FromDays(3));
        Assert.Throws<UnavailableException>(() => keys.RequireNewest(1));
        keys.Load([new IntegrityKey(2, new byte[IntegrityKey.Size])], _clock.GetUtcNow());
        Assert.Throws<StaleKeyException>(() => keys.RequireNewest(1));
        keys.RequireNewest(2);
    }

    [Fact]
    public async Task Asked_for_twice_it_is_the_newest_that_stays()
    {
        using var victim = await Victim.NewAsync(_server);
        await RotateAsync();
        _clock.MoveOn(IntegrityKeyReplacement.Delay);
        await _server.ReplaceKeysAsync();
        await RotateAsync();
        Assert.Equal(2, await LeftAsync());
        await ReplaceAsync();

        Assert.Equal([4], await KeysAsync());
        await MustGoOnAsync(victim);
    }

    [Fact]
    public async Task A_quarantine_lasts_until_the_owner_is_accepted_and_lets_the_old_key_go()
    {
        using var victim = await Victim.NewAsync(_server);
        await QuarantineAsync(victim.Owner);
        await ReplaceAsync();
        Assert.Equal(0, await LeftAsync());
        Assert.Equal([2], await NumbersAsync());
        await victim.MustBeRefusedAsync();

        await AcceptAsync(victim.Owner);
        await MustGoOnAsync(victim);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_earlier_quarantine_that_is_put_back_is_not_renewed(bool onlyUntilTheLock)
    {
        using var victim = await Victim.NewAsync(_server);
        await QuarantineAsync(victim.Owner);
        await AttackAsync($"CREATE TABLE quarantined AS SELECT * FROM owners WHERE id = '{victim.Organization}'");
        await AcceptAsync(victim.Owner);
        await AttackAsync($"CREATE TABLE accepted AS SELECT * FROM owners WHERE id = '{victim.Organization}'");
        await RotateAsync();
        _clock.MoveOn(IntegrityKeyReplacement.Delay);
        await AttackAsync(PutBack("quarantined"));
        if (onlyUntilTheLock)
        {
            await ReplaceWhileItIsPutBackAsync("accepted");
        }
        else
        {
            await _server.ReplaceKeysAsync();
            await victim.MustBeRefusedAsync();
            await AttackAsync(PutBack("accepted"));
        }

        await MustGoOnAsync(victim);
        await _server.ReplaceKeysAsync();
        Assert.Equal([2], await NumbersAsync());
        await MustGoOnAsync(victim);
    }

    private static async Task MustGoOnAsync(Victim victim)
    {
        Assert.Equal(Victim.Value, await victim.ValueAsync());
        await victim.CreateAsync($"{Guid.NewGuid()}", $"{Guid.NewGuid()}", "some value");
        (await victim.UpdateAsync(Victim.Value)).MustBe(200);
    }

    private async Task ReplaceAsync()
    {
        await RotateAsync();
        _clock.MoveOn(IntegrityKeyReplacement.Delay);
        await _server.ReplaceKeysAsync();
        _clock.MoveOn(KeyRingReplacement.GracePeriod);
        await _server.ReplaceKeysAsync();
    }

    private static string PutBack(string saved) =>
        $"UPDATE owners SET version = s.version, secrets = s.secrets, bytes_used = s.bytes_used, account = s.account FROM {saved} s WHERE owners.id = s.id";

    /// <summary>Replaces keys while an attacker puts saved rows of owners back: reads see the rows from before, and the first lock sees the saved ones.</summary>
    private async Task ReplaceWhileItIsPutBackAsync(string saved)
    {
        await using var db = await _server.NewContextAsync();
        await using var transaction = await db.Database.BeginTransactionAsync(Cancellation);
#pragma warning disable EF1002 // The statement is an attack of the test.
        await db.Database.ExecuteSqlRawAsync(PutBack(saved), Cancellation);
#pragma warning restore EF1002
        var replacement = Task.Run(_server.ReplaceKeysAsync, Cancellation);
        while (!replacement.IsCompleted && !await IsLockOfAnOwnerWaitingAsync())
        {
            await Task.Delay(20, Cancellation);
        }

        await transaction.CommitAsync(Cancellation);
        await replacement;
    }

    private async Task<bool> IsLockOfAnOwnerWaitingAsync() => await _server.ScalarAsync<long>(Sql.Of(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%UPDATE owners%'", "SELECT 1")) > 0;

    private async Task QuarantineAsync(SecretOwner owner)
    {
        await using var scope = _server.Services.CreateAsyncScope();
        await scope.ServiceProvider.GetRequiredService<IIntegrityCommands>().QuarantineAsync(owner, Cancellation);
    }

    private async Task AcceptAsync(SecretOwner owner)
    {
        await using var scope = _server.Services.CreateAsyncScope();
        await scope.ServiceProvider.GetRequiredService<IIntegrityCommands>().AcceptAsync(owner, Cancellation);
    }

    private async Task RotateAsync()
    {
        using var @operator = _server.Operator();
        (await @operator.SendAsync(HttpMethod.Post, $"{Encryption}/rotate", """{"layer":"integrity"}""")).MustBe(200);
    }

    private async Task<Answer> StateAnswerAsync()
    {
        using var @operator = _server.Operator();
        return await @operator.GetAsync(Encryption);
    }

    private async Task<JsonNode> StateAsync() => (await StateAnswerAsync()).MustBe(200).Json["integrity"]!;

    private async Task<int> LeftAsync() => (await StateAsync())["keys_left"]!.GetValue<int>();

    private async Task AttackAsync(string sql)
    {
        await using var db = await _server.NewContextAsync();
#pragma warning disable EF1002 // The statement is an attack of the test.
        await db.Database.ExecuteSqlRawAsync(sql, Cancellation);
#pragma warning restore EF1002
    }

    private async Task<bool> VerifiesAsync(SecretOwner owner)
    {
        await using var db = await _server.NewContextAsync();
        var reader = ActivatorUtilities.CreateInstance<OwnerReader>(_server.Services, new VersionFloors<SecretOwner>());
        return (await reader.ReadAsync(db, [owner]))[0] is not null;
    }

    private async Task<List<int>> KeysAsync()
    {
        await using var db = await _server.NewContextAsync();
        return await db.IntegrityKeys.Select(row => row.Number).ToListAsync(Cancellation);
    }

    /// <summary>The numbers of the integrity keys of all accounts.</summary>
    private async Task<IEnumerable<int>> NumbersAsync()
    {
        await using var db = await _server.NewContextAsync();
        var owners = await db.Owners.Select(owner => owner.Account).ToListAsync(Cancellation);
        var users = await db.KeyAccounts.Select(row => row.Account).ToListAsync(Cancellation);
        return owners.Concat(users).Select(account => IntegrityKey.NumberOf(account)!.Value).Distinct().Order();
    }
}
