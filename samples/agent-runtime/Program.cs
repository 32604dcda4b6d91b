// A small platform for agents. It registers tools. When the model calls a tool without a credential, the user's secret fills the argument.
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Secrets.AgentRuntime;
using Secrets.Client;

var address = Environment.GetEnvironmentVariable("SECRETS_ADDRESS") ?? "http://127.0.0.1:5080";
var key = Environment.GetEnvironmentVariable("SECRETS_API_KEY");
if (string.IsNullOrEmpty(key))
{
    await Console.Error.WriteAsync("API key (the service prints a key at its first start; or set SECRETS_API_KEY): ");
    key = Console.ReadLine()?.Trim();
}

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    stop.Cancel();
};

await using var services = new ServiceCollection()
    .AddSecretsClient(options => (options.BaseAddress, options.ApiKey) = (new Uri(address), key))
    .Services
    .BuildServiceProvider();

try
{
    var secrets = services.GetRequiredService<ISecretsClient>();
    var output = Console.Out;
    await output.WriteLineAsync("Tools");
    foreach (var tool in Tool.All)
    {
        await output.WriteLineAsync($"  {tool.Name}({string.Join(", ", tool.Arguments)})");
    }

    await output.WriteLineAsync("\nSecrets");
    await SampleSecrets.StoreAsync(secrets, output, stop.Token);

    // A platform knows its users. This sample has only the user of its API key.
    var platform = new Platform(secrets, (await secrets.GetMeAsync(stop.Token)).UserId, output);
    await platform.CallAsync(Tool.All[0], new JsonObject { ["issue_id"] = "ENG-42" }, stop.Token);
    await platform.CallAsync(Tool.All[1], new JsonObject { ["repository"] = "acme/site", ["token"] = null }, stop.Token);
    await platform.CallAsync(Tool.All[2], new JsonObject { ["city"] = "Oslo" }, stop.Token);
    return 0;
}
catch (Exception failure) when (failure is SecretsApiException or HttpRequestException or OptionsValidationException)
{
    await Console.Error.WriteLineAsync($"{address}: {failure.Message}");
    return 1;
}
