using Microsoft.Extensions.DependencyInjection;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Integrity;
using Secrets.TestKit;

namespace Secrets.Infrastructure.Tests.Resolution;

/// <summary>Owners are read whole, however large they are: a part cannot be verified as current.</summary>
public sealed class ReadingWholeOwners(ApiServer server) : IClassFixture<ApiServer>
{
    private static readonly SecretOwner Other = SecretOwner.User(Guid.NewGuid());

    [Theory]
    [InlineData(10, 10, 20)]
    [InlineData(95, 1, 1000)]
    [InlineData(3_000, 4, 20)]
    public async Task All_that_an_owner_has(int count, int valueLength, int nameLength)
    {
        var owner = SecretOwner.User(Guid.NewGuid());
        await server.StoreAsync(owner, [.. Enumerable.Range(0, count).Select(number => new NewSecret(
            $"{number}".PadRight(nameLength, '\u20ac')[..nameLength], new string('v', valueLength), "agno__*", $"a{number}", IsDefault: true))]);

        var read = await ReadAsync(owner);

        Assert.Equal(count, read.Secrets.Count);
        Assert.Equal(count, read.Account.Count);
        Assert.Equal(count * valueLength, read.Account.Bytes);
    }

    [Fact]
    public async Task Workspaces_in_the_order_in_which_they_were_given()
    {
        var owner = new SecretOwner(OwnerKind.Organization, $"{Guid.NewGuid()}");
        var workspaces = Enumerable.Range(0, 25).Select(number => $"{24 - number}".PadRight(200, 'w')).ToList();
        await server.StoreAsync(owner, [.. Enumerable.Range(0, 60).Select(number => new NewSecret(
            $"n{number}", "v", "agno__*", $"a{number}", IsDefault: true, WorkspaceRule.Some, workspaces))]);

        var read = await ReadAsync(owner);

        Assert.Equal(60, read.Secrets.Count);
        Assert.All(read.Secrets, secret => Assert.Equal(workspaces, secret.ToCandidate().Placement.Workspaces.Names));
    }

    private async Task<VerifiedOwner> ReadAsync(SecretOwner owner)
    {
        await server.StoreAsync(Other, [new NewSecret($"{Guid.NewGuid()}", "another's", null, null)]);
        await using var db = await server.NewContextAsync();
        var read = await server.Services.GetRequiredService<OwnerReader>().ReadAsync(db, [Other, owner, SecretOwner.User(Guid.NewGuid())]);
        Assert.NotEmpty(read[0]!.Secrets);
        Assert.Equal(0, read[2]!.Account.Version);
        Assert.Empty(read[2]!.Secrets);
        return read[1]!;
    }
}
