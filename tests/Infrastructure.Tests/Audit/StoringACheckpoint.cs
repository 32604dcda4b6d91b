using Secrets.Domain.Audit;
using Secrets.Infrastructure.Audit;

namespace Secrets.Infrastructure.Tests.Audit;

/// <summary>The checkpoint file: a checkpoint is read as it was written, and other content is reported as no checkpoint.</summary>
public sealed class StoringACheckpoint : IDisposable
{
    private readonly string _path = Path.Combine(Directory.CreateTempSubdirectory("secrets-checkpoint-").FullName, "checkpoint.json");

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_path)!, recursive: true);

    [Fact]
    public void What_is_read_is_what_was_written()
    {
        var key = new byte[AuditChain.KeySize];
        var writers = Enumerable.Range(1, 3).Select(number => new AuditWriter(key, Guid.NewGuid(), number)).ToList();
        var written = AuditCheckpoint.FromWriters(key, TimeProvider.System.GetUtcNow(), 3, writers);

        Assert.Equal((null, true), CheckpointFile.Read(_path));
        for (var round = 0; round < 2; round++)
        {
            CheckpointFile.Write(_path, written);
            var read = CheckpointFile.Read(_path).Found!;
            Assert.True(read.IsGenuine(key));
            Assert.Equal((written.At, 3L), (read.At, read.Count));
            Assert.Equal(writers.Select(writer => writer.Id), read.Heads.Select(head => head.Writer));
        }

        Assert.Equal([_path], Directory.GetFiles(Path.GetDirectoryName(_path)!));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("no json")]
    [InlineData("\0")]
    [InlineData("""{"at":"2026-01-01T00:00:00Z","count":0,"heads":null,"mac":"00"}""")]
    [InlineData("""{"at":"2026-01-01T00:00:00Z","count":0,"heads":[],"mac":null}""")]
    [InlineData("""{"at":"2026-01-01T00:00:00Z","count":0,"heads":[],"mac":"0"}""")]
    [InlineData("""{"at":"2026-01-01T00:00:00Z","count":0,"heads":[]}""")]
    [InlineData("""{"at":"2026-01-01T00:00:00Z","count":1,"heads":[null],"mac":"00"}""")]
    [InlineData("""{"at":"2026-01-01T00:00:00Z","count":1,"heads":[{}],"mac":"00"}""")]
    [InlineData("""{"at":"2026-01-01T00:00:00Z","count":1,"heads":[{"writer":"x","sequence":1,"hash":"00"}],"mac":"00"}""")]
    [InlineData("""{"at":"yesterday","count":0,"heads":[],"mac":"00"}""")]
    public void What_is_no_checkpoint_is_said_to_be_none(string content)
    {
        File.WriteAllText(_path, content);

        Assert.Equal((null, false), CheckpointFile.Read(_path));
    }

    [Fact]
    public void What_cannot_be_read_or_written_is_an_error_of_the_file()
    {
        Directory.CreateDirectory(_path);
        var empty = AuditCheckpoint.FromWriters(new byte[AuditChain.KeySize], TimeProvider.System.GetUtcNow(), 0, []);

        Assert.ThrowsAny<IOException>(() => CheckpointFile.Write(_path, empty));
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(_path)!));
    }
}
