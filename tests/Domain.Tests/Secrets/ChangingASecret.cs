using System.Security.Cryptography;
using System.Text;
using FsCheck.Fluent;
using Secrets.Domain.Secrets;

namespace Secrets.Domain.Tests;

public sealed class ChangingASecret
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 2, 12, 0, 0, TimeSpan.Zero);
    private static readonly Guid Ann = new("0198a000-0000-7000-8000-00000000000a");
    private static readonly Guid Bob = new("0198a000-0000-7000-8000-00000000000b");
    private static readonly ToolBinding Unbound = new(null, null, IsDefault: false);

    public static TheoryData<string?, string?> IncompleteBindings => new() { { null, null }, { "tool", null }, { null, "arg" } };

    [Fact]
    public void A_new_secret_has_version_1_and_its_placement()
    {
        var binding = new ToolBinding("agno__*", "api_token", IsDefault: true);

        var secret = Secret.Create(SecretOwner.User(Ann), "name", "", binding, WorkspaceAccess.All, Bob, Noon);

        Assert.Equal(new Placement(SecretOwner.User(Ann), secret.Id, "name", binding, WorkspaceAccess.All, 1), secret.Placement);
        Assert.Equal((Noon, Bob, Noon, Bob), (secret.CreatedAt, secret.CreatedBy, secret.UpdatedAt, secret.UpdatedBy));
        Assert.Equal(SHA256.HashData(Encoding.UTF8.GetBytes("name")), secret.NameKey);
        Assert.Equal(7, secret.Id.Version);
        Assert.Equal(Ann, secret.Owner.UserId);
    }

    [Fact]
    public void Ids_of_later_secrets_are_greater()
    {
        var ids = Enumerable.Range(0, 50).Select(minutes => NewSecret(Unbound, Noon.AddMinutes(minutes)).Id).ToArray();

        Assert.Equal(ids.OrderBy(id => id.ToString("D"), StringComparer.Ordinal), ids);
    }

    [Fact]
    public void Each_update_increments_the_version_and_keeps_fixed_members()
    {
        var secret = NewSecret(Unbound, Noon);
        var id = secret.Id;
        for (var version = 2; version < 10; version++)
        {
            var binding = new ToolBinding($"tool{version}{(version % 3 == 0 ? "*" : "")}", "arg", IsDefault: version % 2 == 0);
            secret.Update($"name{version}", "", binding, WorkspaceAccess.All, Bob, Noon.AddHours(version));

            Assert.Equal(
                new Placement(SecretOwner.User(Ann), id, $"name{version}", binding, WorkspaceAccess.All, version), secret.Placement);
            Assert.Equal((Noon, Ann), (secret.CreatedAt, secret.CreatedBy));
            Assert.Equal((Noon.AddHours(version), Bob), (secret.UpdatedAt, secret.UpdatedBy));
            Assert.Equal(Secret.KeyOf(secret.Name), secret.NameKey);
            Assert.Equal(binding.IsDefault ? Secret.KeyOf(binding.ToolName!) : null, secret.ToolKey);
            Assert.Equal(binding.IsDefault ? Secret.KeyOf(binding.ToolArg!) : null, secret.ArgKey);
            Assert.Equal(binding.ToolName!.EndsWith('*') ? secret.ArgKey : null, secret.PatternArgKey);
        }
    }

    [Fact]
    public void Updated_at_increases_even_if_the_clock_goes_back() => Generated.ForAll(
        Gen.Choose(-5_000, 5_000).ListOf(10),
        steps =>
        {
            var secret = NewSecret(Unbound, Noon);
            var now = Noon;
            foreach (var step in steps)
            {
                now = now.AddMilliseconds(step);
                var before = secret.UpdatedAt;
                secret.Update("name", "", Unbound, WorkspaceAccess.All, Ann, now);

                Assert.True(secret.UpdatedAt > before, $"{secret.UpdatedAt:O} after {before:O}");
                Assert.True(secret.UpdatedAt >= now, $"{secret.UpdatedAt:O} at {now:O}");
                Assert.Equal(0, secret.UpdatedAt.Ticks % TimeSpan.TicksPerMicrosecond);
                Assert.Equal(now > before ? now : before.AddMicroseconds(1), secret.UpdatedAt);
            }
        });

    [Fact]
    public void Sealing_stores_envelope_display_and_size()
    {
        var secret = NewSecret(Unbound, Noon);
        byte[] envelope = [1, 2, 3];

        secret.Seal(Values.Of("sécrétissime"), envelope);

        Assert.Same(envelope, secret.Envelope);
        Assert.Equal("sé...me", secret.Display);
        Assert.Equal(14, secret.Size);
    }

    [Theory]
    [MemberData(nameof(IncompleteBindings))]
    public void A_default_without_tool_and_argument_is_refused(string? tool, string? arg)
    {
        var incomplete = new ToolBinding(tool, arg, IsDefault: true);
        var secret = NewSecret(new ToolBinding("tool", "arg", IsDefault: true), Noon);
        var before = (secret.Placement, secret.UpdatedAt, secret.UpdatedBy);

        Assert.False(incomplete.IsValid);
        Assert.Throws<ArgumentException>(() => NewSecret(incomplete, Noon));
        Assert.Throws<ArgumentException>(() => secret.Update("other", "", incomplete, WorkspaceAccess.All, Bob, Noon.AddHours(1)));
        Assert.Equal(before, (secret.Placement, secret.UpdatedAt, secret.UpdatedBy));
    }

    [Theory]
    [MemberData(nameof(IncompleteBindings))]
    public void Only_a_default_needs_a_full_binding(string? tool, string? arg)
    {
        var binding = new ToolBinding(tool, arg, IsDefault: false);

        Assert.True(binding.IsValid);
        Assert.Equal(binding, NewSecret(binding, Noon).Binding);
    }

    private static Secret NewSecret(ToolBinding binding, DateTimeOffset now) =>
        Secret.Create(SecretOwner.User(Ann), "name", "", binding, WorkspaceAccess.All, Ann, now);
}
