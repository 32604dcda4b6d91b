using System.Text.Json;
using Secrets.Infrastructure.Persistence;

namespace Secrets.Infrastructure.Audit;

/// <summary>Stores the checkpoint of this process in a file, as the JSON that the API returns for a checkpoint.</summary>
internal sealed class CheckpointFile(IDatabaseServer server, IOptions<AuditOptions> options)
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        RespectRequiredConstructorParameters = true,
        RespectNullableAnnotations = true,
    };

    /// <summary>The path of the file; null: this process stores no checkpoint.</summary>
    public string? Path => (options.Value.CheckpointFile ?? server.DefaultCheckpointFile) is { Length: > 0 } path ? path : null;

    public TimeSpan Interval => TimeSpan.FromSeconds(options.Value.CheckpointSeconds);

    /// <summary>Reads a checkpoint.</summary>
    /// <returns>The checkpoint, null if there is none. <c>IsValid</c> is false if the file is not a checkpoint.</returns>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static (AuditCheckpoint? Found, bool IsValid) Read(string path)
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

    /// <summary>Replaces the checkpoint atomically: concurrent readers, and readers after a crash, see the old or the new file.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Write(string path, AuditCheckpoint checkpoint)
    {
        var stored = new Stored(
            checkpoint.At,
            checkpoint.Count,
            [.. checkpoint.Heads.Select(head => new StoredHead(head.Writer, head.Position.Sequence, Convert.ToHexStringLower(head.Position.Hash)))],
            Convert.ToHexStringLower(checkpoint.Mac));
        var temporary = $"{path}.{System.IO.Path.GetRandomFileName()}"; // unique, because another process may write too
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write))
            {
                JsonSerializer.Serialize(stream, stored, Json);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            File.Delete(temporary);
            throw new IOException(exception.Message, exception);
        }
    }

    private sealed record Stored(DateTimeOffset At, long Count, IReadOnlyList<StoredHead?> Heads, string Mac)
    {
        public AuditCheckpoint ToCheckpoint() =>
            new(At, Count, [.. Heads.Select(head => (head ?? throw new FormatException()).ToHead())], Convert.FromHexString(Mac));
    }

    private sealed record StoredHead(Guid Writer, long Sequence, string Hash)
    {
        public AuditHead ToHead() => new(Writer, new AuditPosition(Sequence, Convert.FromHexString(Hash)));
    }
}
