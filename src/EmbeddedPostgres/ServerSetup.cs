namespace Secrets.EmbeddedPostgres;

/// <summary>All that a server needs, found and made: see <see cref="ServerPreparation"/>.</summary>
internal sealed record ServerSetup(
    DataDirectory Data, PostgresBinaries Binaries, ServerAccount Account, ServerAddress Address, ServerSettings Settings)
{
    public ServerControl Control => new(Data.Cluster, Binaries, Account);

    public List<string> Arguments() => Settings.Arguments(Address);
}
