using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Secrets.Application.Common;
using Secrets.Domain.Audit;
using Secrets.Infrastructure.Batching;
using Secrets.Infrastructure.Persistence;
using Secrets.Infrastructure.Resolution;

namespace Secrets.Infrastructure.Audit;

/// <summary>Group commit of the audit: events that arrive while one write is under way share the next.</summary>
internal sealed class AuditLog : IAuditLog, IAsyncDisposable
{
    private readonly IDbContextFactory<SecretsDbContext> _contexts;
    private readonly AuditWriters _writers;
    private readonly UseCounter _uses;
    private readonly Batcher<IReadOnlyList<AuditEvent>, AuditReceipt> _batcher;

    public AuditLog(IDbContextFactory<SecretsDbContext> contexts, AuditWriters writers, UseCounter uses, IOptions<GroupCommitOptions> options)
    {
        _contexts = contexts;
        _writers = writers;
        _uses = uses;
        _batcher = new Batcher<IReadOnlyList<AuditEvent>, AuditReceipt>(options.Value.ToLimits(), WriteAsync);
    }

    public Task<AuditReceipt> AppendAsync(IReadOnlyList<AuditEvent> events, CancellationToken cancellationToken) =>
        _batcher.AddAsync(events, cancellationToken);

    public ValueTask DisposeAsync() => _batcher.DisposeAsync();

    private async Task<IReadOnlyList<AuditReceipt>> WriteAsync(IReadOnlyList<IReadOnlyList<AuditEvent>> items)
    {
        await using var db = await _contexts.CreateDbContextAsync();
        var entries = await _writers.AppendAsync(db, [.. items.SelectMany(events => events)]);
        _uses.Count(entries);
        var receipts = new AuditReceipt[items.Count];
        var end = 0;
        for (var at = 0; at < receipts.Length; at++)
        {
            end += items[at].Count;
            receipts[at] = new AuditReceipt(entries[end - 1].Writer, entries[end - 1].Sequence, entries[end - 1].Hash);
        }

        return receipts;
    }
}
