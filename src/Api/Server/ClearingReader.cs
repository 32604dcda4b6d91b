using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Connections;

namespace Secrets.Api.Server;

/// <summary>
/// Clears the bytes of a connection once Kestrel has used them. The pool clears a block when it is returned, but an idle connection keeps its last block,
/// and with it the end of the last body, even of one that was refused unread. With TLS these bytes are encrypted; SECURITY.md says what remains.
/// </summary>
internal sealed class ClearingReader(PipeReader inner) : PipeReader
{
    private ReadOnlySequence<byte> _received;

    /// <summary>Serves a connection with a reader that clears.</summary>
    public static Task ServeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        connection.Transport = new Transport(new ClearingReader(connection.Transport.Input), connection.Transport.Output);
        return next(connection);
    }

    public override bool TryRead(out ReadResult result)
    {
        var isRead = inner.TryRead(out result);
        _received = result.Buffer;
        return isRead;
    }

    // The pooled builder saves an allocation for each request: every connection waits here.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        var result = await inner.ReadAsync(cancellationToken);
        _received = result.Buffer;
        return result;
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        var received = _received;
        _received = default;

        // Kestrel passes no position if it used nothing, for example when the trailer of a body is malformed.
        if (consumed.GetObject() is not null)
        {
            foreach (var part in received.Slice(received.Start, consumed))
            {
                CryptographicOperations.ZeroMemory(MemoryMarshal.AsMemory(part).Span);
            }
        }

        inner.AdvanceTo(consumed, examined);
    }

    public override void CancelPendingRead() => inner.CancelPendingRead();

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);

    private sealed record Transport(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
