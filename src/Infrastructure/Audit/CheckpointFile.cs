using System.Text.Json;
using Microsoft.Extensions.Options;
using Secrets.Domain.Audit;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Audit;

/// <summary>The file in which this process keeps its checkpoint, in the form in which the API gives one.</summary>
internal sealed class CheckpointFile(IDatabaseServer server, IOptions<AuditOptions> options)
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true };

    /// <summary>Where the file is; null: no checkpoint is kept.</summary>
    public string? Path => (options.Value.CheckpointFile ?? server.DefaultCheckpointFile) is { Length: > 0 } path ? path : null;

    /// <summary>From one checkpoint to the next.</summary>
    public TimeSpan Interval => TimeSpan.FromSeconds(options.Value.CheckpointSeconds);

    /// <summary>The checkpoint in a file; null: there is no file, or what is there is none.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static (AuditCheckpoint? Found, bool IsOne) Read(string path)
    {
        if (!File.Exists(path))
        {
            return (null, true);
        }

        try
        {
            return JsonSerializer.Deserialize<Stored>(File.ReadAllBytes(path), Json) is { } stored ? (stored.ToCheckpoint(), true) : (null, false);
        }
        catch (Exception exception) when (exception is JsonException or FormatException)
        {
            return (null, false);
        }
        catch (UnauthorizedAccessException exception)
        {
            throw new IOException(exception.Message, exception);
        }
    }

    /// <summary>Puts a checkpoint in the place of the one that is there. Whoever reads meanwhile, or after a crash, finds the one or the other as a whole.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public static void Write(string path, AuditCheckpoint checkpoint)
    {
        var stored = new Stored(
            checkpoint.At,
            checkpoint.Count,
            [.. checkpoint.Heads.Select(head => new StoredHead(head.Writer, head.Position.Sequence, Convert.ToHexStringLower(head.Position.Hash)))],
            Convert.ToHexStringLower(checkpoint.Mac));
        var fresh = $"{path}.{System.IO.Path.GetRandomFileName()}"; // of this writer alone: there may be another
        try
        {
            using (var stream = new FileStream(fresh, FileMode.CreateNew, FileAccess.Write))
            {
                JsonSerializer.Serialize(stream, stored, Json);
                stream.Flush(flushToDisk: true);
            }

            File.Move(fresh, path, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            File.Delete(fresh);
            throw new IOException(exception.Message, exception);
        }
    }

    private sealed record Stored(DateTimeOffset At, long Count, IReadOnlyList<StoredHead?> Heads, string Mac)
    {
        public AuditCheckpoint ToCheckpoint() => new(At, Count, [.. Heads.Select(head => (head ?? throw new FormatException()).ToHead())], Convert.FromHexString(Mac));
    }

    private sealed record StoredHead(Guid Writer, long Sequence, string Hash)
    {
        public AuditHead ToHead() => new(Writer, new AuditPosition(Sequence, Convert.FromHexString(Hash)));
    }
}
