using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Secrets.Application.Audit;
using Secrets.Domain.Audit;
using Secrets.Infrastructure.Audit;
using Secrets.Infrastructure.Persistence;
using Secrets.TestKit;

namespace Secrets.Infrastructure.Tests.Audit;

/// <summary>Verifies an audit with many chains, as every restart leaves some. The order of the chains' ids differs from the order of their numbers.</summary>
public sealed class VerifyingManyChains : IAsyncLifetime
{
    private const int Chains = 1_200;
    private const int RowsOfAChain = 3;

    private readonly ApiServer _server = ApiServer.With();

    /// <summary>The ids of the writers, in the order of their numbers, which begin at 1.</summary>
    private Guid[] _writers = [];

    public async ValueTask InitializeAsync()
    {
        await _server.InitializeAsync();
        _writers = await WriteAsync();
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Asks_the_database_little_however_many_there_are()
    {
        var logged = _server.Log.Lines.Count;

        Assert.Equal($$"""{"ok":true,"checked":{{Chains * RowsOfAChain}},"first_broken":null}""", await VerifyAsync());

        Assert.InRange(_server.Log.Lines.Skip(logged).Count(line => line.Contains(" Executed DbCommand ", StringComparison.Ordinal)), 1, 20);
    }

    [Fact]
    public async Task Takes_as_long_as_it_takes()
    {
        await using var scope = _server.Services.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<SecretsDbContext>().Database.SetCommandTimeout(TimeSpan.FromSeconds(1));
        await using var other = await _server.NewContextAsync();
        await using var locked = await other.Database.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await other.Database.ExecuteSqlAsync($"LOCK TABLE audit", TestContext.Current.CancellationToken);

        var verifying = scope.ServiceProvider.GetRequiredService<IAuditVerifier>().VerifyAsync(kept: null, TestContext.Current.CancellationToken);
        await Task.WhenAny(verifying, Task.Delay(TimeSpan.FromSeconds(3), TestContext.Current.CancellationToken));
        Assert.False(verifying.IsCompleted);
        await locked.RollbackAsync(TestContext.Current.CancellationToken);

        var verdict = await verifying;
        Assert.Equal((Chains * RowsOfAChain, null), (verdict.Checked, verdict.FirstBroken));
    }

    [Fact]
    public async Task Names_the_broken_chain_that_began_first_whatever_the_order_of_the_ids()
    {
        var (early, late) = (Descending().Number, Descending().After);
        await TamperAsync("UPDATE audit SET address = '::1' WHERE writer = @writer AND sequence = 2", late);
        await TamperAsync("UPDATE audit SET address = '::1' WHERE writer = @writer AND sequence = 3", early);

        Assert.Equal(Broken(early, 3, Chains * RowsOfAChain), await VerifyAsync());
    }

    [Fact]
    public async Task Goes_on_behind_rows_that_cannot_be_read()
    {
        int[] unreadable = [_writers.Length, _writers.Length / 2, 7, 8];
        foreach (var number in unreadable)
        {
            await TamperAsync("UPDATE audit SET owner_kind = 257 WHERE writer = @writer AND sequence = 2", number);
        }

        await TamperAsync("UPDATE audit SET address = '::1' WHERE writer = @writer AND sequence = 1", 9);

        // In an unreadable chain, only the rows before the unreadable one count as checked.
        Assert.Equal(Broken(7, 2, (Chains * RowsOfAChain) - (unreadable.Length * 2)), await VerifyAsync());
    }

    [Fact]
    public async Task Finds_a_row_behind_the_end_that_cannot_be_read()
    {
        await TamperAsync(
            "INSERT INTO audit SELECT writer, 4, at, actor, key_id, token_issuer, token_subject, action, outcome, 257, owner_id, owner_version, secret_id, secret_version, target_key_id, target_key_user_id, tool_name, tool_arg, address, agent_id, run_id, tool_call_id, request_id, client_request_id, left_out, hash FROM audit WHERE writer = @writer AND sequence = 2",
            Chains);

        Assert.Equal(Broken(Chains, 4, Chains * RowsOfAChain), await VerifyAsync());
    }

    [Fact]
    public async Task Finds_rows_of_no_writer_whether_they_can_be_read_or_not()
    {
        var stranger = Guid.NewGuid();
        foreach (var kind in (string[])["NULL", "257"])
        {
            await _server.ExecuteSqlAsync(
                $"INSERT INTO audit SELECT @stranger, sequence + {kind.Length}, at, actor, key_id, token_issuer, token_subject, action, outcome, {kind}, owner_id, owner_version, secret_id, secret_version, target_key_id, target_key_user_id, tool_name, tool_arg, address, agent_id, run_id, tool_call_id, request_id, client_request_id, left_out, hash FROM audit WHERE writer = @writer AND sequence = 1",
                ("stranger", stranger),
                ("writer", _writers[4]));
        }

        Assert.Equal(
            $$$"""{"ok":false,"checked":{{{(Chains * RowsOfAChain) + 2}}},"first_broken":{"writer":"{{{stranger}}}","sequence":4}}""", await VerifyAsync());
    }

    [Fact]
    public async Task Finds_a_chain_without_its_rows_and_a_number_that_is_missing()
    {
        await TamperAsync("DELETE FROM audit WHERE writer = @writer", 700);
        Assert.Equal(Broken(700, 1, (Chains - 1) * RowsOfAChain), await VerifyAsync());

        await TamperAsync("DELETE FROM audit_writers WHERE id = @writer", 900);
        Assert.Equal(
            $$$"""{"ok":false,"checked":{{{(Chains - 1) * RowsOfAChain}}},"first_broken":{"writer":"00000000-0000-0000-0000-000000000000","sequence":900}}""",
            await VerifyAsync());
    }

    private string Broken(int number, long sequence, long @checked) =>
        $$$"""{"ok":false,"checked":{{{@checked}}},"first_broken":{"writer":"{{{_writers[number - 1]}}}","sequence":{{{sequence}}}}}""";

    /// <summary>The numbers of two chains whose ids have the opposite order as text.</summary>
    private (int Number, int After) Descending()
    {
        var last = Array.IndexOf(_writers, _writers.MaxBy(id => $"{id}", StringComparer.Ordinal));
        var first = Array.IndexOf(_writers, _writers.MinBy(id => $"{id}", StringComparer.Ordinal));
        return last < first ? (last + 1, first + 1) : (1, 1 + Array.FindIndex(_writers, id => string.CompareOrdinal($"{id}", $"{_writers[0]}") < 0));
    }

    private async Task TamperAsync(Sql sql, int number) => Assert.NotEqual(0, await _server.ExecuteSqlAsync(sql, ("writer", _writers[number - 1])));

    private async Task<string> VerifyAsync()
    {
        using var @operator = _server.Operator();
        var body = (await @operator.GetAsync("/api/v1/audit/verify")).MustBe(200).Body;
        const string NothingElse = ""","missing":[],"owners":[]}""";
        Assert.EndsWith(NothingElse, body, StringComparison.Ordinal);
        return body[..^NothingElse.Length] + "}";
    }

    private async Task<Guid[]> WriteAsync()
    {
        await using var scope = _server.Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<SecretsDbContext>();
        var key = scope.ServiceProvider.GetRequiredService<AuditKey>();
        Assert.Equal(0, await db.AuditWriters.CountAsync(TestContext.Current.CancellationToken));
        for (var number = 1; number <= Chains; number++)
        {
            var auditEvent = new AuditEvent { At = DateTimeOffset.UnixEpoch, Actor = Guid.NewGuid(), Action = AuditAction.SecretCreate, Outcome = AuditOutcome.Success };
            var writer = new AuditWriter(key.Bytes, Guid.NewGuid(), number);
            var rows = AuditChain.Continue(key.Bytes, writer.Id, AuditPosition.Start, [.. Enumerable.Repeat(auditEvent, RowsOfAChain)]);
            var head = new AuditPosition(rows[^1].Sequence, rows[^1].Hash);
            db.AddRange(rows);
            var entry = db.Add(writer);
            entry.Property(row => row.Sequence).CurrentValue = head.Sequence;
            entry.Property(row => row.Hash).CurrentValue = head.Hash;
            entry.Property(row => row.HeadMac).CurrentValue = AuditChain.MacOfHead(key.Bytes, writer.Id, number, head);
        }

        await db.SaveChangesAsync(TestContext.Current.CancellationToken);
        var mac = AuditChain.MacOfRegistry(key.Bytes, Chains);
        await db.AuditKeys.ExecuteUpdateAsync(
            set => set.SetProperty(row => row.Writers, Chains).SetProperty(row => row.Mac, mac), TestContext.Current.CancellationToken);
        return await db.AuditWriters.OrderBy(writer => writer.Number).Select(writer => writer.Id).ToArrayAsync(TestContext.Current.CancellationToken);
    }
}
