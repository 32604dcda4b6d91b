using System.Collections.Concurrent;
using System.Data;
using System.Data.Common;
using System.Linq.Expressions;
using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.EntityFrameworkCore.Query;
using Microsoft.EntityFrameworkCore.Query.Internal;
using Secrets.Infrastructure.Persistence.SqlServer;

namespace Secrets.TestKit;

/// <summary>
/// Translates every query that the service runs on another database into T-SQL too. A query fails if its translation fails or means something else. So
/// every query of every test is checked without a list of queries.
/// </summary>
public sealed partial class SqlServerTranslation : IQueryExpressionInterceptor
{
    /// <summary>The shared instance: EF Core would initialise itself again for each instance.</summary>
    public static readonly SqlServerTranslation Instance = new();

    private static readonly MethodInfo Run = typeof(SqlServerTranslation).GetMethod(nameof(RunAsync), BindingFlags.Static | BindingFlags.NonPublic)!;

    private static readonly ConcurrentDictionary<string, byte> Translated = new(StringComparer.Ordinal);

    private SqlServerTranslation()
    {
    }

    /// <summary>The T-SQL of all queries so far, without duplicates.</summary>
    public static IReadOnlyCollection<string> Statements => [.. Translated.Keys];

    public Expression QueryCompilationStarting(Expression queryExpression, QueryExpressionEventData eventData)
    {
        var asked = new Asked();
        using var db = NewContext(asked);
        var translated = new Rerooted(db.Model).Visit(queryExpression);
        var result = translated.Type.IsAssignableTo(typeof(IQueryable))
            ? typeof(IAsyncEnumerable<>).MakeGenericType(translated.Type.GetGenericArguments()[0])
            : typeof(Task<>).MakeGenericType(translated.Type);
        ((Task)Run.MakeGenericMethod(result).Invoke(null, [db, translated, Rerooted.ParametersOf(queryExpression)])!).GetAwaiter().GetResult();
        if (asked.Statements.Count == 0)
        {
            throw new InvalidOperationException($"The translation sends no query to SQL Server: {queryExpression}");
        }

        foreach (var sql in asked.Statements)
        {
            PaddedComparisons.Check(sql, db.Model);
            ReturnedLiterals.Check(sql);
            CheckFilter(sql);
            Translated.TryAdd(sql, 0);
        }

        return queryExpression;
    }

    /// <summary>Fails if a statement compares the versions in the audit with another table, without the filter of their index. SQL Server would read the whole audit.</summary>
    private static void CheckFilter(string sql)
    {
        if (ComparedVersion().IsMatch(sql) && !sql.Contains("[owner_version] IS NOT NULL", StringComparison.Ordinal))
        {
            throw new FormatException($"The filter of the index is missing: owner_version IS NOT NULL.\n{sql}");
        }
    }

    [GeneratedRegex(@"\[owner_version\] >=? \[", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex ComparedVersion();

    private static SqlServerSecretsDbContext NewContext(Asked asked)
    {
        var options = new DbContextOptionsBuilder<SqlServerSecretsDbContext>();

        // The connection leads nowhere and must not open. With a time-out, an interceptor of the service would open it.
        SqlServerEngine.Configure(options, "Server=nowhere;Connect Timeout=0");
        return new SqlServerSecretsDbContext(options.AddInterceptors(asked).Options);
    }

    private static async Task RunAsync<TResult>(SqlServerSecretsDbContext db, Expression query, IReadOnlyList<QueryParameterExpression> parameters)
    {
        var executor = db.GetService<IQueryCompilationContextFactory>().Create(async: true).CreateQueryExecutor<TResult>(query);
        var context = db.GetService<IQueryContextFactory>().Create();
        foreach (var parameter in parameters)
        {
            context.Parameters[parameter.Name] = Example(parameter.Type);
        }

        try
        {
            switch (executor(context))
            {
                case Task task:
                    await task;
                    break;
                case var rows:
                    await ReadAsync((dynamic)rows!);
                    break;
            }
        }
        catch (InvalidOperationException exception) when (exception.Message.Contains("Sequence contains no elements", StringComparison.Ordinal))
        {
            // The simulated result has no row.
        }
    }

    private static async Task ReadAsync<T>(IAsyncEnumerable<T> rows)
    {
        await foreach (var _ in rows)
        {
            // The simulated result has no row.
        }
    }

    private static object? Example(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        var element = type.IsArray ? type.GetElementType() : type.IsGenericType ? type.GetGenericArguments()[0] : null;
        if (type == typeof(byte[]) || type == typeof(string) || type == typeof(object)) // an object: a parameter of handwritten SQL
        {
            return type == typeof(string) ? "text" : new byte[32];
        }

        if (element is null)
        {
            return Activator.CreateInstance(type);
        }

        var items = Array.CreateInstance(element, 2);
        items.SetValue(Example(element), 0);
        items.SetValue(Example(element), 1);
        return type.IsArray ? items : Activator.CreateInstance(typeof(List<>).MakeGenericType(element), items);
    }

    /// <summary>Maps the roots of a query to the tables of another model.</summary>
    private sealed class Rerooted(IModel model) : ExpressionVisitor
    {
        private readonly Dictionary<string, QueryParameterExpression> _parameters = new(StringComparer.Ordinal);

        public static IReadOnlyList<QueryParameterExpression> ParametersOf(Expression query)
        {
            var visitor = new Rerooted(model: null!);
            visitor.Visit(query);
            return [.. visitor._parameters.Values];
        }

        protected override Expression VisitExtension(Expression node)
        {
            switch (node)
            {
#pragma warning disable EF1001 // The only way to keep handwritten SQL. EF Core's version is pinned.
                case FromSqlQueryRootExpression root when model is not null:
                    return new FromSqlQueryRootExpression(model.FindEntityType(root.EntityType.Name)!, root.Sql, Visit(root.Argument));
                case FromSqlQueryRootExpression root:
                    Visit(root.Argument);
                    return node;
#pragma warning restore EF1001
                case EntityQueryRootExpression root when model is not null:
                    return new EntityQueryRootExpression(model.FindEntityType(root.EntityType.Name)!);
                case EntityQueryRootExpression:
                    return node;
                case QueryParameterExpression parameter:
                    _parameters[parameter.Name] = parameter;
                    return node;
                default:
                    return base.VisitExtension(node);
            }
        }
    }

    /// <summary>Records commands and returns no rows.</summary>
    private sealed class Asked : DbCommandInterceptor, IDbConnectionInterceptor
    {
        public List<string> Statements { get; } = [];

        public ValueTask<InterceptionResult> ConnectionOpeningAsync(
            DbConnection connection, ConnectionEventData eventData, InterceptionResult result, CancellationToken cancellationToken = default) =>
            ValueTask.FromResult(InterceptionResult.Suppress());

        public override ValueTask<InterceptionResult<DbDataReader>> ReaderExecutingAsync(
            DbCommand command, CommandEventData eventData, InterceptionResult<DbDataReader> result, CancellationToken cancellationToken = default)
        {
            Statements.Add(command.CommandText);
            return ValueTask.FromResult(InterceptionResult<DbDataReader>.SuppressWithResult(new DataTable().CreateDataReader()));
        }

        public override ValueTask<InterceptionResult<int>> NonQueryExecutingAsync(
            DbCommand command, CommandEventData eventData, InterceptionResult<int> result, CancellationToken cancellationToken = default)
        {
            Statements.Add(command.CommandText);
            return ValueTask.FromResult(InterceptionResult<int>.SuppressWithResult(0));
        }
    }
}
