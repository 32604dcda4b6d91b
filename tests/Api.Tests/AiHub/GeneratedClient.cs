using Secrets.TestKit;

namespace Secrets.Api.Tests.AiHub;

/// <summary>A client that NSwag generates from the vendor's own document. Skipped without that document.</summary>
public sealed class GeneratedClient(ApiServer server)
{
    private const string Program =
        """
        using System.Net.Http.Headers;
        using Generated;

        using var http = new HttpClient { BaseAddress = new Uri(args[0]) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", args[1]);
        var client = new Client(http);
        var context = args[2];

        await client.CreateSecretAsync(new Body
        {
            Alias = "generated", Value = "a value from a generated client", Allowed_workspaces_type = BodyAllowed_workspaces_type.SOME,
            Allowed_workspaces = ["support", "sales"],
        }, context);
        await ShowAsync();
        await client.UpdateSecretAsync(new Body2 { Alias = "generated", Description = "described" });
        await ShowAsync();
        await client.UpdateSecretAsync(new Body2 { Alias = "generated", Value = "x", Allowed_workspaces_type = Body2Allowed_workspaces_type.ALL }, context);
        await ShowAsync();
        await RefusedAsync(() => client.CreateSecretAsync(new Body
        {
            Alias = "generated", Value = "v", Allowed_workspaces_type = BodyAllowed_workspaces_type.NONE,
        }));
        await RefusedAsync(() => client.ListSecretsAsync("another-organisation"));
        await client.DeleteSecretAsync(new Body3 { Alias = "generated" }, context);
        await RefusedAsync(() => client.DeleteSecretAsync(new Body3 { Alias = "generated" }));
        Console.WriteLine((await client.ListSecretsAsync(context)).Secrets.Count);

        async Task ShowAsync()
        {
            var secret = (await client.ListSecretsAsync(context, alias: "generated")).Secrets.Single();
            var age = DateTimeOffset.UtcNow - DateTimeOffset.FromUnixTimeMilliseconds((long)secret.Created_at);
            Console.WriteLine($"{secret.Alias} '{secret.Description}' {secret.Allowed_workspaces_type} [{string.Join(' ', secret.Allowed_workspaces)}] "
                + $"{secret.Org == context} {Guid.Parse(secret.Created_by) == Guid.Parse(secret.Last_updated_by)} {age.Duration() < TimeSpan.FromMinutes(10)}");
        }

        async Task RefusedAsync(Func<Task> act)
        {
            try
            {
                await act();
                Console.WriteLine("not refused");
            }
            catch (ApiException<Error> refusal)
            {
                Console.WriteLine($"{refusal.StatusCode} {refusal.Result.Message.Length > 0}");
            }
        }
        """;

    [Fact]
    public async Task The_client_creates_uses_and_deletes_a_secret()
    {
        var document = Repository.VendorDocument("aihub-secrets.openapi.json");
        var organization = Vault.NewOrganization();
        using var admin = await server.NewAdminAsync(organization);

        var output = await Nswag.RunClientAsync(document, Program, server.Address.ToString(), admin.Key!, organization);

        Assert.Equal(
            [
                "generated '' SOME [support sales] True True True",
                "generated 'described' SOME [support sales] True True True",
                "generated 'described' ALL [] True True True",
                "409 True",
                "401 True",
                "404 True",
                "0",
            ],
            output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
    }
}
