using Microsoft.Extensions.DependencyInjection;
using Secrets.Domain.Secrets;
using Secrets.Infrastructure.Persistence;
using Secrets.TestKit;

namespace Secrets.Infrastructure.Tests.Resolution;

/// <summary>What is read of an owner at once is bounded whatever was stored: values count for the quota, and nothing else does.</summary>
public sealed class ReadingWholeOwners(ApiServer server) : IClassFixture<ApiServer>
{
    private static readonly SecretOwner Other = SecretOwner.User(Guid.NewGuid());

    [Theory]
    [InlineData(10, 10, 20, true)]
    [InlineData(500, 4, 20, true)]
    [InlineData(501, 4, 20, false)]
    [InlineData(70, 1, 1000, true)]
    [InlineData(95, 1, 1000, false)] // 278 KiB of names
    public async Task All_of_a_few_or_none_of_many(int count, int valueLength, int nameLength, bool expected)
    {
        var owner = SecretOwner.User(Guid.NewGuid());
        await server.StoreAsync(owner, [.. Enumerable.Range(0, count).Select(number => new NewSecret(
            $"{number}".PadRight(nameLength, '\u20ac')[..nameLength], new string('v', valueLength), "agno__*", $"a{number}", IsDefault: true))]);

        var read = await ReadAsync(owner);

        Assert.Equal(expected ? count : null, read.Secrets?.Count);
    }

    [Theory]
    [InlineData(40, true)]
    [InlineData(60, false)]
    public async Task Workspaces_count_too(int count, bool expected)
    {
        var owner = new SecretOwner(OwnerKind.Organization, $"{Guid.NewGuid()}");
        var workspaces = Enumerable.Range(0, 25).Select(number => $"{number}".PadRight(200, 'w')).ToList();
        await server.StoreAsync(owner, [.. Enumerable.Range(0, count).Select(number => new NewSecret(
            $"n{number}", "v", "agno__*", $"a{number}", IsDefault: true, WorkspaceRule.Some, workspaces))]);

        var read = await ReadAsync(owner);

        Assert.Equal(expected ? count : null, read.Secrets?.Count);
        Assert.All(read.Secrets ?? [], secret => Assert.Equal(workspaces, secret.Placement.Workspaces.Names));
    }

    private async Task<OwnerSecrets> ReadAsync(SecretOwner owner)
    {
        await server.StoreAsync(Other, [new NewSecret($"{Guid.NewGuid()}", "another's", null, null)]);
        await using var db = await server.NewContextAsync();
        var read = await server.Services.GetRequiredService<IConfirmations>().ReadAsync(db, [Other, owner, SecretOwner.User(Guid.NewGuid())]);
        Assert.NotEmpty(read[0].Secrets!);
        Assert.Equal(0, read[2].Stamp);
        Assert.Empty(read[2].Secrets!);
        return read[1];
    }
}
