using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Secrets.Bench;

/// <summary>
/// The floors of a resolve, in a separate process: the same server and framework with as little work as makes sense. They check no key and no rule, open
/// no value and write no audit.
/// </summary>
internal static class FloorServer
{
    /// <summary>Returns a constant response of the length of a resolve's.</summary>
    public const string Constant = "/floor/constant";

    /// <summary>Reads the request and one row by an index, and returns the row: the cost of a look-up without audit.</summary>
    public const string Select = "/floor/select";

    private const string Query =
        """
        SELECT id, name, tool_name, version, display FROM secrets
        WHERE owner_kind = 1 AND owner_id = $1 AND tool_key = $2 AND arg_key = $3
        """;

    public static async Task RunAsync(string connectionString, int port, CancellationToken cancellationToken)
    {
        await using var database = NpgsqlDataSource.Create(connectionString);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}"));
        await using var app = builder.Build();
        var constant = JsonSerializer.SerializeToUtf8Bytes(
            new FloorAnswer([new FloorValue("api_token", new string('v', 44), Guid.NewGuid(), new string('n', 24), new string('t', 24), "default", "user", 1)], []),
            FloorJson.Default.FloorAnswer);
        app.MapPost(Constant, context => AnswerAsync(context, constant));
        app.MapPost(Select, context => SelectAsync(context, database));
        await app.StartAsync(cancellationToken);
        await app.WaitForShutdownAsync(cancellationToken);
    }

    private static async Task AnswerAsync(HttpContext context, byte[] answer)
    {
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = answer.Length;
        await context.Response.BodyWriter.WriteAsync(answer, context.RequestAborted);
    }

    private static async Task SelectAsync(HttpContext context, NpgsqlDataSource database)
    {
        var request = await JsonSerializer.DeserializeAsync(context.Request.Body, FloorJson.Default.FloorRequest, context.RequestAborted);
        await using var command = database.CreateCommand(Query);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = request!.UserId });
        command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = SHA256.HashData(Encoding.UTF8.GetBytes(request.ToolName)) });
        command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = SHA256.HashData(Encoding.UTF8.GetBytes(request.ToolArgs[0])) });
        var values = new List<FloorValue>();
        await using (var reader = await command.ExecuteReaderAsync(context.RequestAborted))
        {
            while (await reader.ReadAsync(context.RequestAborted))
            {
                values.Add(new FloorValue(
                    request.ToolArgs[0], reader.GetString(4), reader.GetGuid(0), reader.GetString(1), reader.GetString(2), "default", "user", reader.GetInt32(3)));
            }
        }

        context.Response.ContentType = "application/json";
        await JsonSerializer.SerializeAsync(context.Response.BodyWriter, new FloorAnswer(values, []), FloorJson.Default.FloorAnswer, context.RequestAborted);
    }
}

internal sealed record FloorRequest(string UserId, string ToolName, string[] ToolArgs);

internal sealed record FloorAnswer(List<FloorValue> Values, List<string> Missing);

internal sealed record FloorValue(
    string ToolArg, string SecretValue, Guid SecretId, string SecretName, string Matched, string Source, string Owner, int Version);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(FloorRequest))]
[JsonSerializable(typeof(FloorAnswer))]
internal sealed partial class FloorJson : JsonSerializerContext;
