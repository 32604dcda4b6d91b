using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection.AuthenticatedEncryption.ConfigurationModel;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.XmlEncryption;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Secrets.Application.Common;
using Secrets.Domain.Audit;
using Secrets.Infrastructure.Audit;
using Secrets.Infrastructure.Encryption.DataKeys;
using Secrets.Infrastructure.Encryption.Ring;
using Secrets.Infrastructure.Encryption.Rotation;
using Secrets.Infrastructure.Persistence.Rows;
using Secrets.TestKit;

namespace Secrets.Infrastructure.Tests.Encryption;

/// <summary>Ring keys are replaced, and removed once they wrap nothing. The test has its own server, because it moves the clock.</summary>
public sealed class ReplacingTheKeyRing : IAsyncLifetime
{
    private const string Secrets = "/api/v1/secrets";
    private const string Encryption = "/api/v1/encryption";

    private readonly LateClock _clock = new();
    private readonly ApiServer _server;

    public ReplacingTheKeyRing()
    {
        _server = ApiServer.With();
        (_server.Clock, _server.ReplacesKeysByItself) = (_clock, false);
    }

    public ValueTask InitializeAsync() => _server.InitializeAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Everything_is_wrapped_anew_and_the_old_key_goes_after_its_time()
    {
        using var users = new Users(await UsersAsync(3));
        var (before, ring) = (await WrappedAsync(), await RingAsync());
        Assert.Single(ring);

        await RotateAsync();
        await _server.ReplaceKeysAsync();

        var after = await WrappedAsync();
        Assert.Equal(before.Keys.Order(), after.Keys.Order());
        Assert.All(before, row => Assert.NotEqual(row.Value, after[row.Key]));
        Assert.Contains(ring.Single(), await RingAsync());
        Assert.Equal(1, await LeftAsync());
        await users.ResolveAsync();

        _clock.MoveOn(KeyRingReplacement.GracePeriod);
        await _server.ReplaceKeysAsync();

        Assert.DoesNotContain(ring.Single(), await RingAsync());
        Assert.Equal(0, await LeftAsync());
        Assert.Equal(after, await WrappedAsync());

        // The cached data keys have expired by now.
        await users.ResolveAsync();
        await AssertANewProcessOpensAllAsync();
    }

    [Fact]
    public async Task A_key_is_renewed_two_days_before_its_end_and_by_one_replica_only()
    {
        using var users = new Users(await UsersAsync(1));
        var old = await RingAsync();
        var ring = _server.Services.GetRequiredService<KeyRing>();
        _clock.MoveOn(KeyRing.NewKeyAfter - TimeSpan.FromHours(1));
        await _server.ReplaceKeysAsync();
        Assert.Equal(old, await RingAsync());

        _clock.MoveOn(TimeSpan.FromHours(2));
        var others = Enumerable.Range(0, 4).Select(_ => NewRing()).ToList();
        others.ForEach(one => one.Refresh());
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(_server.ReplaceKeysAsync, Cancellation)));

        Assert.Equal(2, (await RingAsync()).Count);
        await users.ResolveAsync();
        var without = ring.Without(TimeProvider.System.GetUtcNow().AddSeconds(-30));
        Assert.All(others, one => Assert.NotNull(one.Unwrap(ring.Wrap([1], "purpose"), "purpose")));
        Assert.NotNull(without);
    }

    [Fact]
    public async Task However_old_the_ring_is_Data_Protection_makes_no_key_of_its_own()
    {
        using var users = new Users(await UsersAsync(1));
        var old = await RingAsync();
        _clock.MoveOn(TimeSpan.FromDays(400));

        var ring = NewRing();
        Assert.NotNull(ring.Unwrap(ring.Wrap([1], "purpose"), "purpose"));
        await users.ResolveAsync();
        Assert.Throws<NotSupportedException>(() => _server.Services.GetRequiredService<IKeyManager>()
            .CreateNewKey(TimeProvider.System.GetUtcNow(), TimeProvider.System.GetUtcNow().AddDays(90)));

        Assert.Equal(old, await RingAsync());
    }

    [Fact]
    public async Task A_process_that_cannot_read_the_ring_any_more_goes_on_opening_and_soon_wraps_nothing()
    {
        using var users = new Users(await UsersAsync(1));
        await _server.ExecuteSqlAsync("UPDATE key_ring SET xml = replace(xml, 'fingerprint=\"', 'fingerprint=\"00')");
        _server.Services.GetRequiredService<KeyRing>().Refresh();
        using var early = new Users(await UsersAsync(1));
        using var late = await _server.NewUserAsync();

        _clock.MoveOn(TimeSpan.FromHours(1) + TimeSpan.FromSeconds(1));
        await users.ResolveAsync();
        await early.ResolveAsync();
        (await late.SendAsync(HttpMethod.Post, Secrets, """{"secret_name":"n","secret_value":"some value"}""")).MustBe(503);
        using var @operator = _server.Operator();
        (await @operator.SendAsync(HttpMethod.Post, "/api/v1/api-keys", $$"""{"name":"n","scopes":["secrets:read"],"user_id":"{{Guid.NewGuid()}}"}""")).MustBe(503);

        await _server.ExecuteSqlAsync("UPDATE key_ring SET xml = replace(xml, 'fingerprint=\"00', 'fingerprint=\"')");
        _clock.MoveOn(TimeSpan.FromSeconds(1));
        (await late.SendAsync(HttpMethod.Post, Secrets, """{"secret_name":"n","secret_value":"some value"}""")).MustBe(200);
    }

    [Fact]
    public async Task An_old_key_stays_while_something_may_be_wrapped_with_it()
    {
        using var users = new Users(await UsersAsync(2));
        var owner = users.All[0].UserId.ToString();
        byte[] wrapped;
        await using (var db = await _server.NewContextAsync())
        {
            wrapped = await db.DataKeys.Where(row => row.OwnerId == owner).Select(row => row.Wrapped).SingleAsync(Cancellation);
        }

        await RotateAsync();
        await _server.ReplaceKeysAsync();

        // As if another replica, which knows only the old key, had stored it since.
        await _server.ExecuteSqlAsync("UPDATE data_keys SET wrapped = @wrapped WHERE owner_id = @owner", ("@wrapped", wrapped), ("@owner", owner));
        _clock.MoveOn(KeyRingReplacement.GracePeriod);
        await _server.ReplaceKeysAsync();
        Assert.Equal(1, await LeftAsync());
        await users.ResolveAsync();

        // A key that does not unwrap now may be restored later.
        await _server.ExecuteSqlAsync(
            "UPDATE data_keys SET wrapped = substring(wrapped, 1, 40) WHERE owner_id = @owner", ("@owner", owner));
        _clock.MoveOn(TimeSpan.FromHours(1));
        await _server.ReplaceKeysAsync();
        Assert.Equal(1, await LeftAsync());

        await _server.ExecuteSqlAsync("UPDATE data_keys SET wrapped = @wrapped WHERE owner_id = @owner", ("@wrapped", wrapped), ("@owner", owner));
        for (var pass = 0; pass < 2; pass++)
        {
            _clock.MoveOn(TimeSpan.FromHours(1));
            await _server.ReplaceKeysAsync();
        }

        Assert.Equal(0, await LeftAsync());
        await users.ResolveAsync();
        await AssertANewProcessOpensAllAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_old_key_stays_if_a_data_key_hides_from_the_pass(bool returnsAfterThePass)
    {
        using var users = new Users(await UsersAsync(2));
        var row = $"owner_id = '{users.All[0].UserId}'";
        await RotateAsync();
        await _server.ExecuteSqlAsync($"SELECT * INTO saved_keys FROM data_keys WHERE {row}; DELETE FROM data_keys WHERE {row}");
        await _server.ReplaceKeysAsync();
        _clock.MoveOn(KeyRingReplacement.GracePeriod);
        if (returnsAfterThePass)
        {
            await PutBackAfterThePassAsync();
        }
        else
        {
            await _server.ReplaceKeysAsync();
        }

        Assert.Equal(1, await LeftAsync());
        Assert.Contains(_server.Log.Lines, line => line.Contains($"Old keys are not removed: User:{users.All[0].UserId}", StringComparison.Ordinal));

        await _server.ExecuteSqlAsync($"DELETE FROM data_keys WHERE {row}; INSERT INTO data_keys SELECT * FROM saved_keys");
        for (var pass = 0; pass < 2; pass++)
        {
            _clock.MoveOn(TimeSpan.FromHours(1));
            await _server.ReplaceKeysAsync();
        }

        Assert.Equal(0, await LeftAsync());
        await users.ResolveAsync();
        await AssertANewProcessOpensAllAsync();
    }

    [Fact]
    public async Task A_process_that_knows_only_the_old_key_learns_of_the_new_one_where_it_meets_it()
    {
        using var users = new Users(await UsersAsync(1));
        var late = NewRing();
        var wrapping = new DataKeyWrapping(late, NullLogger<DataKeyWrapping>.Instance);
        var rows = await RowsAsync();
        Assert.All(rows, row => Assert.NotNull(wrapping.Unwrap(row)));

        await RotateAsync();
        await _server.ReplaceKeysAsync();
        _clock.MoveOn(TimeSpan.FromMinutes(1));

        Assert.All(await RowsAsync(), row => Assert.NotNull(wrapping.Unwrap(row)));

        // From then on it wraps with the new key.
        var moment = (await StateAsync())["requested_at"]!.GetValue<DateTimeOffset>();
        Assert.NotNull(late.Without(moment).Unwrap(late.Wrap([1], "purpose"), ["purpose"]));
    }

    [Fact]
    public async Task Requests_at_the_same_moment_leave_a_ring_whose_newest_key_is_the_last_that_was_added()
    {
        using var users = new Users(await UsersAsync(1));
        var rings = Enumerable.Range(0, 4).Select(_ => NewRing()).ToList();
        rings.ForEach(ring => ring.Refresh());

        var moments = await Task.WhenAll(rings.Select(ring => Task.Run(() => AddKeyAsync(ring), Cancellation)));

        Assert.Equal(4, moments.Distinct().Count());
        var last = moments.Max();
        rings.ForEach(ring => ring.Refresh());
        var wrapped = rings[0].Wrap([1], "purpose");
        Assert.NotNull(rings[1].Without(last).Unwrap(wrapped, ["purpose"]));

        Assert.Equal(5, (await RingAsync()).Count);
        await RemoveBeforeAsync(rings[2], last);
        Assert.Single(await RingAsync());
        Assert.NotNull(NewRing().Unwrap(wrapped, "purpose"));
    }

    [Theory]
    [InlineData("UPDATE key_rotations SET requested_at = @moment WHERE layer = 2")]
    [InlineData("UPDATE key_rotations SET finished_at = @moment")]
    [InlineData("UPDATE key_rotations SET layer = 1")]
    [InlineData("DELETE FROM key_rotations")]
    [InlineData("INSERT INTO key_rotations (layer, requested_at) VALUES (3, @moment)")]
    public async Task A_request_that_somebody_made_or_changed_has_no_key_removed(string attack)
    {
        using var users = new Users(await UsersAsync(2));
        await RotateAsync();
        await _server.ReplaceKeysAsync();
        var ring = await RingAsync();
        await _server.ExecuteSqlAsync(attack, ("@moment", TimeProvider.System.GetUtcNow().AddDays(-30)));
        for (var pass = 0; pass < 3; pass++)
        {
            _clock.MoveOn(KeyRingReplacement.GracePeriod);
            await _server.ReplaceKeysAsync();
        }

        Assert.Equal(ring, await RingAsync());
        using var @operator = _server.Operator();
        (await @operator.GetAsync(Encryption)).MustBe(409);
        Assert.Contains(_server.Log.Lines, line => line.Contains("The keys were changed outside the service", StringComparison.Ordinal));
        await users.ResolveAsync();
    }

    [Fact]
    public async Task A_secret_in_clear_beside_one_that_is_encrypted_is_not_used()
    {
        // With a valid tag, which an attacker who once had the root key can make.
        var store = NewStore();
        await ChangeAsync(store, records => records.WithRingKey(
            "mine", records.Ring[0].Xml.Replace("<encryption ", "<masterKey><value>AAECAwQF</value></masterKey><encryption ", StringComparison.Ordinal)));

        Assert.Throws<ConflictException>(store.Read);
    }

    [Fact]
    public async Task While_the_ring_changes_nobody_who_reads_it_cries_wolf()
    {
        var ring = NewRing();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var stores = Enumerable.Range(0, 4).Select(_ => NewStore()).ToList();
        var reads = 0;
        var readers = stores.Select(store => Task.Run(
            () =>
            {
                while (!stop.IsCancellationRequested)
                {
                    store.Read();
                    Interlocked.Increment(ref reads);
                }
            },
            Cancellation)).ToList();

        for (var change = 0; change < Campaign.Size(100); change++)
        {
            await RemoveBeforeAsync(ring, await AddKeyAsync(ring));
        }

        await stop.CancelAsync();
        await Task.WhenAll(readers);
        Assert.True(reads > 10, $"only {reads} reads");
        Assert.Single(await RingAsync());
    }

    [Fact]
    public async Task An_entry_names_no_type_that_is_made()
    {
        // With a valid tag, because this tests the second line of defence.
        await ChangeAsync(NewStore(), records =>
        {
            records.Replace(records.Ring[0], Regex.Replace(records.Ring[0].Xml, "(?<=(deserializerType|decryptorType)=\")[^\"]*", typeof(Trap).AssemblyQualifiedName!));
            return records;
        });

        var ring = NewRing();

        Assert.NotNull(ring.Unwrap(ring.Wrap([1], "purpose"), "purpose"));
        Assert.Contains(nameof(Trap), (await _server.ScalarAsync<string>("SELECT xml FROM key_ring"))!, StringComparison.Ordinal);
        Assert.False(Trap.WasMade);
    }

    [Fact]
    public void What_was_wrapped_for_a_purpose_opens_for_that_purpose_only()
    {
        var ring = NewRing();
        var wrapped = ring.Wrap([1, 2, 3], "one", "two");

        Assert.Equal([1, 2, 3], ring.Unwrap(wrapped, "one", "two"));
        Assert.Null(ring.Unwrap(wrapped, "one"));
        Assert.Null(ring.Unwrap(wrapped, "one", "three"));
        Assert.Null(ring.Unwrap(wrapped[..^1], "one", "two"));
        Assert.Null(ring.Unwrap([], "one", "two"));
    }

    /// <summary>Records when an instance is made.</summary>
    private sealed class Trap : IXmlDecryptor, IAuthenticatedEncryptorDescriptorDeserializer
    {
        public Trap() => WasMade = true;

        public static bool WasMade { get; private set; }

        public XElement Decrypt(XElement encryptedElement) => throw new NotSupportedException();

        public IAuthenticatedEncryptorDescriptor ImportFromXml(XElement element) => throw new NotSupportedException();
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private KeyRing NewRing() => ActivatorUtilities.CreateInstance<KeyRing>(_server.Services);

    private KeyStore NewStore() => ActivatorUtilities.CreateInstance<KeyStore>(_server.Services);

    private static AuditEvent Fact => AuditEvent.ByService(AuditAction.KeysChange, TimeProvider.System.GetUtcNow());

    private async Task ChangeAsync(KeyStore store, Func<KeyRecords, KeyRecords?> change)
    {
        await using var db = await _server.NewContextAsync();
        await store.ChangeAsync(db, change, Fact, Cancellation);
    }

    private async Task<DateTimeOffset> AddKeyAsync(KeyRing ring)
    {
        await using var db = await _server.NewContextAsync();
        var madeAt = DateTimeOffset.MinValue;
        await ring.ChangeAsync(db, records => ring.WithNewKey(records, out madeAt), Fact, Cancellation);
        return madeAt;
    }

    private async Task RemoveBeforeAsync(KeyRing ring, DateTimeOffset moment)
    {
        await using var db = await _server.NewContextAsync();
        await ring.ChangeAsync(db, records => records.WithoutRingKeysBefore(moment), Fact, Cancellation);
    }

    private async Task RotateAsync()
    {
        using var @operator = _server.Operator();
        (await @operator.SendAsync(HttpMethod.Post, $"{Encryption}/rotate", """{"layer":"key_ring"}""")).MustBe(200);
    }

    /// <summary>Rotates keys while an attacker has removed data keys, and puts them back between the pass over all data keys and the read of all owners.</summary>
    private async Task PutBackAfterThePassAsync()
    {
        await using var db = await _server.NewContextAsync();
        await using var transaction = await db.Database.BeginTransactionAsync(Cancellation);
        await db.Database.ExecuteSqlRawAsync("LOCK TABLE owners", Cancellation);
        var replacement = Task.Run(_server.ReplaceKeysAsync, Cancellation);
        while (!replacement.IsCompleted && !await IsReadOfOwnersWaitingAsync())
        {
            await Task.Delay(20, Cancellation);
        }

        await db.Database.ExecuteSqlRawAsync("INSERT INTO data_keys SELECT * FROM saved_keys", Cancellation);
        await transaction.CommitAsync(Cancellation);
        await replacement;
    }

    private async Task<bool> IsReadOfOwnersWaitingAsync() => await _server.ScalarAsync<long>(Sql.Of(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%FROM owners%'", "SELECT 1")) > 0;

    private async Task<JsonNode> StateAsync()
    {
        using var @operator = _server.Operator();
        return (await @operator.GetAsync(Encryption)).MustBe(200).Json["key_ring"]!;
    }

    private async Task<int> LeftAsync() => (await StateAsync())["keys_left"]!.GetValue<int>();

    private async Task<List<DataKeyRow>> RowsAsync()
    {
        await using var db = await _server.NewContextAsync();
        return await db.DataKeys.AsNoTracking().ToListAsync(Cancellation);
    }

    /// <summary>All wrapped keys.</summary>
    private async Task<Dictionary<string, string>> WrappedAsync()
    {
        await using var db = await _server.NewContextAsync();
        var audit = await db.AuditKeys.AsNoTracking().SingleAsync(Cancellation);
        return (await RowsAsync()).Select(row => (Name: row.Id.ToString(), row.Wrapped)).Append((Name: "audit", audit.Wrapped))
            .ToDictionary(row => row.Name, row => Convert.ToHexString(row.Wrapped), StringComparer.Ordinal);
    }

    private async Task<List<string>> RingAsync()
    {
        await using var db = await _server.NewContextAsync();
        return await db.KeyRing.Select(row => row.Name).ToListAsync(Cancellation);
    }

    private async Task AssertANewProcessOpensAllAsync()
    {
        var ring = NewRing();
        var wrapping = new DataKeyWrapping(ring, NullLogger<DataKeyWrapping>.Instance);
        Assert.All(await RowsAsync(), row => Assert.NotNull(wrapping.Unwrap(row)));
        await using var db = await _server.NewContextAsync();
        var key = new AuditKey();
        await new AuditKeyLoader(db, key, ring, NullLogger<AuditKeyLoader>.Instance).LoadAsync(ring.Open(ring.Read()), Cancellation);
        Assert.True(key.Bytes.SequenceEqual(_server.Services.GetRequiredService<AuditKey>().Bytes));
    }

    private async Task<List<ApiClient>> UsersAsync(int count)
    {
        var users = new List<ApiClient>();
        for (var number = 0; number < count; number++)
        {
            var user = await _server.NewUserAsync("secrets:read", "secrets:write", "secrets:resolve");
            await user.CreateSecretAsync("n", $"value of {user.UserId}", "t", "a", isDefault: true);
            users.Add(user);
        }

        return users;
    }

    private sealed record Users(List<ApiClient> All) : IDisposable
    {
        public async Task ResolveAsync()
        {
            foreach (var user in All)
            {
                var answer = (await user.AskAsync($"{Secrets}/resolve", new JsonObject { ["tool_name"] = "t" })).MustBe(200);
                Assert.Equal($"value of {user.UserId}", answer.Json["values"]![0]!["secret_value"]!.GetValue<string>());
            }
        }

        public void Dispose() => All.ForEach(user => user.Dispose());
    }
}
